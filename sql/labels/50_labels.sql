-- Makes labels: one row per distinct key: its first label in file order, then row order, numbered from 0 in that order.
-- Extras get the type that all label files together gave them. A score out of its range got so far because it was
-- clipped. If a key has several labels, the first of each is looked up.
{%- from 'labels/extras.sql' import typed_text %}
CREATE TEMP TABLE labels AS
{%- if has_repeats %}
WITH places AS (
    SELECT key, min({'file': file, 'row': row}) AS place
    FROM label_scores
    GROUP BY key
), firsts AS (
    SELECT label_scores.*
    FROM label_scores JOIN places ON label_scores.key = places.key AND file = place.file AND row = place.row
)
{%- endif %}
SELECT
    CAST(row_number() OVER (ORDER BY file, row) - 1 AS INTEGER) AS label_id,
    key, mos, mos_raw_0_100, source, file, row, raw_value, mos_text, is_out_of_range AS is_clipped
    {%- for extra in typed_extras %},
    CAST({{ typed_text(extra) }} AS {{ extra.sql_type | sqltype }}) AS {{ extra.value | ident }}
    {%- endfor %}
FROM {% if has_repeats %}firsts AS {% endif %}label_scores;
