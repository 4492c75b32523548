-- Returns what the saved file has under the name of a view and without our mark: one row per table or view, with its
-- name and kind.
-- Parameters: $names (of the views), $mark
SELECT table_name AS name, 'table' AS kind
FROM duckdb_tables()
WHERE database_name = 'saved' AND schema_name = 'main' AND list_contains($names, lower(table_name))
    AND comment IS DISTINCT FROM $mark
UNION ALL
SELECT view_name, 'view'
FROM duckdb_views()
WHERE database_name = 'saved' AND schema_name = 'main' AND list_contains($names, lower(view_name))
ORDER BY name;
