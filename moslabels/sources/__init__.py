"""Reading of tables: a file or a table in memory, opened by its format."""
