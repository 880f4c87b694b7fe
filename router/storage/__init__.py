"""What is kept, and where? The door to SQL: rows become values before they leave this room."""
