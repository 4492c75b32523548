"""DuckDB, and the statements that it runs."""
