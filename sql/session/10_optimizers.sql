-- Sets what DuckDB must leave alone in a database of our own. Joins push no filters into what they probe: DuckDB 1.5
-- lost rows of grouped inputs by them (duckdb issues 21757 and 22075). The statistics of a Parquet file are not
-- believed: some writers understate the greatest value, or the number of NULLs (see sources/parquet).
SET disabled_optimizers = 'join_filter_pushdown,statistics_propagation';
