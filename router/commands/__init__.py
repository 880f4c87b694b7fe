"""What can be asked on the command line, a file for each noun."""
