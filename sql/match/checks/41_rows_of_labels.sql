-- Returns how many feature rows each label has by the counts, by the position of its label columns; rows without a
-- label are at the last, $missing. One row per label that any feature row has. The row labels must say the same.
-- Parameters: $missing
{%- from 'match/used.sql' import used %}
SELECT CAST(label_id AS INTEGER) AS position, rows
FROM ({{ used(has_repeats) }})
UNION ALL
SELECT CAST($missing AS INTEGER), CAST(sum(rows) AS BIGINT)
FROM feature_keys
WHERE label_id IS NULL
HAVING count(*) > 0
ORDER BY position;
