"""Every caller reaches a person who can help: a call router beside Asterisk."""
