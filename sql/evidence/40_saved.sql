-- Opens a DuckDB file beside the views. The template is given path.
ATTACH {{ path | text }} AS saved (TYPE duckdb);
