-- Returns label rows whose value cannot be a key: the first rows, and how many there are in all.
SELECT file, row, raw_value, key_fault, fault_part, count(*) OVER () AS total
FROM label_rows
WHERE key_fault IS NOT NULL
ORDER BY file, row
LIMIT 3;
