"""A result to be looked at: its tables, its settings, parts of it, and statistics."""
