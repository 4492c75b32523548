-- Returns values of the feature columns of a rule that differ: the shortest that has a key, the longest, one without a
-- key (rank 1 each), and one of middle length (rank 2), for want of the third: texts, one per column.
-- Parameters: $longest (in characters)
WITH valued AS (
    SELECT texts, key IS NOT NULL AS has_key, length(trim_text(array_to_string(texts, ''))) AS size
    FROM rule_features
    WHERE list_count(texts) = len(texts) AND NOT is_fault
), sized AS (
    SELECT
        texts, has_key,
        row_number() OVER (PARTITION BY has_key ORDER BY size, texts) AS place,
        count(*) OVER (PARTITION BY has_key) AS places
    FROM valued
    WHERE size BETWEEN 1 AND $longest
)
SELECT texts
FROM sized
WHERE CASE WHEN has_key THEN place IN (1, (places + 1) // 2, places) ELSE place = 1 END
ORDER BY has_key AND place NOT IN (1, places), has_key DESC, place;
