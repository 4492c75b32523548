-- Returns how many parts of two tables were added, removed, changed or stayed the same, and the first of each: one row. A
-- part changed if its features did, or the number of its rows, or the labels of its clips.
-- Parameters: $old_paths, $old_hashes, $new_paths, $new_hashes (of the parts: their paths and the hashes of their
-- features, in one order)
WITH parts AS (
    SELECT path, old.sha256 AS old_sha256, new.sha256 AS new_sha256
    FROM (SELECT unnest(CAST($old_paths AS VARCHAR[])) AS path, unnest(CAST($old_hashes AS VARCHAR[])) AS sha256) AS old
    FULL JOIN (
        SELECT unnest(CAST($new_paths AS VARCHAR[])) AS path, unnest(CAST($new_hashes AS VARCHAR[])) AS sha256
    ) AS new USING (path)
), clips AS (
    SELECT
        path, key,
        coalesce(sum(rows) FILTER (WHERE side = 'old'), 0) AS old_rows,
        coalesce(sum(rows) FILTER (WHERE side = 'new'), 0) AS new_rows,
        coalesce(sum(matched_rows) FILTER (WHERE side = 'old'), 0) AS old_matched_rows,
        coalesce(sum(matched_rows) FILTER (WHERE side = 'new'), 0) AS new_matched_rows,
        any_value(mos) FILTER (WHERE side = 'old') AS old_mos,
        any_value(mos) FILTER (WHERE side = 'new') AS new_mos
    FROM diff_part_clips
    GROUP BY path, key
), counts AS (
    SELECT
        path,
        CAST(sum(old_rows) AS BIGINT) AS old_rows,
        CAST(sum(new_rows) AS BIGINT) AS new_rows,
        CAST(sum(old_matched_rows) AS BIGINT) AS old_matched_rows,
        CAST(sum(new_matched_rows) AS BIGINT) AS new_matched_rows,
        count(*) FILTER (WHERE old_mos IS NULL AND new_mos IS NOT NULL) AS gained,
        count(*) FILTER (WHERE old_mos IS NOT NULL AND new_mos IS NULL) AS lost,
        count(*) FILTER (WHERE old_mos <> new_mos) AS changed
    FROM clips
    GROUP BY path
), told AS (
    SELECT
        path,
        {
            'path': path,
            'features_changed': old_sha256 <> new_sha256,
            'old_rows': coalesce(old_rows, 0),
            'new_rows': coalesce(new_rows, 0),
            'old_matched_rows': coalesce(old_matched_rows, 0),
            'new_matched_rows': coalesce(new_matched_rows, 0),
            'gained': coalesce(gained, 0),
            'lost': coalesce(lost, 0),
            'changed': coalesce(changed, 0)
        } AS part,
        CASE
            WHEN old_sha256 IS NULL THEN 'added'
            WHEN new_sha256 IS NULL THEN 'removed'
            WHEN old_sha256 <> new_sha256 OR old_rows <> new_rows OR old_matched_rows <> new_matched_rows
                OR gained + lost + changed > 0 THEN 'changed'
            ELSE 'same'
        END AS change
    FROM parts LEFT JOIN counts USING (path)
)
SELECT
    count(*) FILTER (WHERE change = 'added') AS added,
    count(*) FILTER (WHERE change = 'removed') AS removed,
    count(*) FILTER (WHERE change = 'changed') AS changed,
    count(*) FILTER (WHERE change = 'same') AS same,
    list(path ORDER BY path) FILTER (WHERE change = 'added')[:10] AS first_added,
    list(path ORDER BY path) FILTER (WHERE change = 'removed')[:10] AS first_removed,
    list(part ORDER BY path) FILTER (WHERE change = 'changed')[:10] AS first_changed
FROM told;
