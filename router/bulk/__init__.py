"""In bulk: how does a whole company come from CSV files, and go to them?"""
