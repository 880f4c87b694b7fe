"""What do we owe callers whom nobody has spoken to, who owes it, and until when?"""
