"""What is looked at when something may be wrong, one file for each place to look?"""
