"""The door to people: the only room that knows FastAPI."""
