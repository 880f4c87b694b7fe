"""The door to mail: what the outside shall learn leaves the house here."""
