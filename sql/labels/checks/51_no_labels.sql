-- Returns how many rows the label files have, and how many of them have no key, if there is not one label.
SELECT CAST(sum(rows) AS BIGINT) AS rows, CAST(sum(rows_without_key) AS BIGINT) AS rows_without_key
FROM label_scales
HAVING (SELECT count(*) FROM labels) = 0;
