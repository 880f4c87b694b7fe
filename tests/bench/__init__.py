"""How fast is it? `python -m tests.bench` measures and prints; the one test here reads what it writes."""
