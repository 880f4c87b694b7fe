"""The one door for every change: validate, apply, look for problems, keep a record, give it a version, publish."""
