"""How would one steer calls by other means, in earnest? Each controller is one process: `… DATABASE PORT`."""
