-- Makes labels: one row per distinct key: its first label in file order, then row order, numbered from 0 in that order.
-- Extras get the type that all label files together gave them. A score out of its range got so far because it was
-- clipped.
{%- from 'labels/extras.sql' import typed_text %}
CREATE TEMP TABLE labels AS
WITH firsts AS (
    SELECT *
    FROM label_scores
    QUALIFY row_number() OVER (PARTITION BY key ORDER BY file, row) = 1
)
SELECT
    CAST(row_number() OVER (ORDER BY file, row) - 1 AS INTEGER) AS label_id,
    key, mos, mos_raw_0_100, source, file, row, raw_value, mos_text, is_out_of_range AS is_clipped
    {%- for extra in typed_extras %},
    CAST({{ typed_text(extra) }} AS {{ extra.sql_type | sqltype }}) AS {{ extra.value | ident }}
    {%- endfor %}
FROM firsts AS label_scores;
