"""The commands that have a module of their own; router/__main__.py knows them all."""
