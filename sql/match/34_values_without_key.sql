-- Returns values of the feature key columns that yield no key: the first in file order.
SELECT raw_value, first_row AS row, rows
FROM feature_keys
WHERE key IS NULL
ORDER BY first_row
LIMIT 20;
