"""A private telephone system for the demo, the tests and the benchmark: Asterisk, phones, PostgreSQL, faults."""
