-- Returns a table of labels whole: those that other features will meet are taken to another DuckDB.
SELECT * FROM {{ table | ident }};
