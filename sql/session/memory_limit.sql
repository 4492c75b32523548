-- Returns the memory that DuckDB may take, as a text such as 953.6 MiB: one row.
SELECT current_setting('memory_limit') AS memory;
