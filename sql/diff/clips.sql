-- Adds the labelled clips of one table to diff_clips: one row per key that has a label, with its score.
-- Parameters: those of the file, and $side, $normalize, $regex, $capture (a list each: an entry per key column)
INSERT INTO diff_clips
WITH cells AS (
    {%- include 'sources/cells.sql' %}
), labelled AS (
    SELECT row, status_text, TRY_CAST(mos_text AS DOUBLE) AS mos, {% include 'sources/key.sql' %}
    FROM cells
)
SELECT $side, key, arg_min(mos, row)
FROM labelled
WHERE key IS NOT NULL AND status_text = 'ok'
GROUP BY key;
