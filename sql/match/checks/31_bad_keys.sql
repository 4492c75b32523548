-- Returns values of the feature key columns that cannot be a key: the first in file order, and how many rows have one.
SELECT first_row AS row, raw_value, key_fault, fault_part, sum(rows) OVER () AS total
FROM feature_keys
WHERE key_fault IS NOT NULL
ORDER BY first_row
LIMIT 3;
