-- Returns the type that a column of a table in memory has in DuckDB.
SELECT column_type AS type
FROM (DESCRIBE SELECT {{ cell.column.ident | ident }} FROM {{ source.file | ident }});
