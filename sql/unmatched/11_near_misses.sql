-- Returns why unmatched feature keys may have no label: one row per difference, with the number of keys that would meet
-- exactly one label without it, the number that would meet several (ambiguous), the most common extension on either
-- side, and two examples. Of the keys that would get a label which another key has or would get, it has the number, and
-- two such keys of the first label (colliding; null if there are none).
SELECT
    difference,
    count(*) FILTER (WHERE NOT is_ambiguous AND NOT is_colliding) AS keys,
    count(*) FILTER (WHERE is_ambiguous) AS ambiguous,
    mode(regexp_extract(key, getvariable('extension')) ORDER BY key) AS feature_extension,
    mode(regexp_extract(label_key, getvariable('extension')) ORDER BY label_key) AS label_extension,
    list({'key': key, 'label_key': label_key} ORDER BY is_ambiguous, is_colliding, labels, key)[:2] AS examples,
    CASE WHEN bool_or(is_colliding) THEN {
        'count': count(*) FILTER (WHERE is_colliding),
        'keys': arg_min([first_key, last_key], label_key) FILTER (WHERE is_colliding),
        'label_key': min(label_key) FILTER (WHERE is_colliding)
    } END AS colliding
FROM near_keys
GROUP BY difference
ORDER BY keys DESC, count(*) FILTER (WHERE is_colliding) DESC, ambiguous DESC, difference;
