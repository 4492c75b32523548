-- Sets the folder for what does not fit in memory. DuckDB refuses another one once it has used the first.
SET temp_directory = {{ folder | text }};
