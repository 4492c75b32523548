-- One row per setting of a caller's connection that would change what the statements mean: name, value, needed.
SELECT name, value, needed
FROM duckdb_settings() JOIN (VALUES
    ('preserve_insertion_order', 'true'),   -- rows keep their order
    ('default_collation', ''),              -- keys are compared exactly
    ('default_order', 'ASC'),
    ('default_null_order', 'NULLS_LAST'),
    ('ieee_floating_point_ops', 'true'),
    ('integer_division', 'false')
) AS needs (name, needed) USING (name)
WHERE NOT starts_with(value, needed) OR (needed = '' AND value <> '')
ORDER BY name;
