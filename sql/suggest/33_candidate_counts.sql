-- Returns one row per candidate in suggest_keys: its keys, the values and the rows that they were made of, the part of
-- the keys that are whole numbers, between what those lie, and the mean length of a key.
SELECT
    candidate,
    count(*) AS keys,
    CAST(sum(texts) AS BIGINT) AS texts,
    CAST(sum(rows) AS BIGINT) AS rows,
    avg(CAST(is_whole_text(key) AS INTEGER)) AS whole,
    min(TRY_CAST(key AS DOUBLE)) AS low,
    max(TRY_CAST(key AS DOUBLE)) AS high,
    avg(length(key)) AS length
FROM suggest_keys
GROUP BY candidate
ORDER BY candidate;
