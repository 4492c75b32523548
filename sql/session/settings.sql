-- What the statements rely on. Rows keep their order: scans of text files have no other to go by. Joins push no filters
-- into what they probe: DuckDB 1.5 lost rows of grouped inputs by them (duckdb issues 21757 and 22075).
SET preserve_insertion_order = true;
SET disabled_optimizers = 'join_filter_pushdown';
