-- The memory that DuckDB may take, as a text such as 953.6 MiB.
SELECT current_setting('memory_limit') AS memory;
