-- Adds the keys of the parts of one table to diff_part_clips.
-- Parameters: $side, $paths (of the parts, in order)
INSERT INTO diff_part_clips
SELECT
    $side, CAST($paths AS VARCHAR[])[part], key, sum(rows), coalesce(sum(rows) FILTER (WHERE status_text = 'ok'), 0),
    any_value(mos) FILTER (WHERE status_text = 'ok')
FROM output_values
GROUP BY part, key;
