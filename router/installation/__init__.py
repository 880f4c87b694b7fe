"""How does a router come onto a machine, what is wrong with it there, and how does it become the next version?"""
