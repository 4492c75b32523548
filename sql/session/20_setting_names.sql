-- Returns the names of the settings that DuckDB has here, as one list.
SELECT list(name ORDER BY name) AS names
FROM duckdb_settings();
