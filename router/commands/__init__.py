"""Which commands are there, beside those of __main__? One module for each group, which is an App of its own."""
