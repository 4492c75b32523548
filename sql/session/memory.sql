-- Sets how many bytes of memory DuckDB may take. What does not fit goes to the folder to spill to. A RESET of DuckDB 1.5
-- would not give the memory back.
SET GLOBAL memory_limit = '{{ memory | number }}B';
