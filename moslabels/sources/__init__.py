"""Tables that are read: a file or a table in memory, opened by its format."""
