-- Returns one row per column of a Parquet file, in order: the name that DuckDB gives it (names that differ only by case
-- get a suffix) and its type.
-- Parameters: $path
SELECT column_name, column_type
FROM (DESCRIBE SELECT * FROM read_parquet($path, hive_partitioning = false));
