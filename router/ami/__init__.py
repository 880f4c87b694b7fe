"""The door to Asterisk: the only room that knows panoramisk and AMI's words."""
