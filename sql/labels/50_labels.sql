-- Makes labels, a view: one row per distinct key: its first label in file order, then row order. Extras get the type that
-- all label files together gave them. A score out of its range got so far because it was clipped. label_keys has the same
-- rows without scores, for statements about keys alone: they need no scale. numbered_labels may have later labels of a key
-- too, so it is for statements that know the numbers of their labels: to leave out millions takes time and memory. Labels
-- that are few, or that many features shall meet, are held as a table (are_held): a statement on it takes less time.
{%- from 'labels/extras.sql' import typed_text %}
{%- if are_held %}
CREATE TEMP TABLE held_labels AS
{%- else %}
CREATE TEMP VIEW label_keys AS
SELECT label_id, key, file, row, raw_value
FROM label_rows
WHERE key IS NOT NULL AND mos_state = 'ok'
{%- if has_repeats %} AND label_id NOT IN (FROM label_repeats)
{%- endif %};
CREATE TEMP VIEW numbered_labels AS
{%- endif %}
SELECT
    label_id, key, mos, mos_raw_0_100, source, file, row, raw_value, mos_text, is_out_of_range AS is_clipped
    {%- for extra in typed_extras %},
    CAST({{ typed_text(extra) }} AS {{ extra.sql_type | sqltype }}) AS {{ extra.value | ident }}
    {%- endfor %}
FROM label_scores
{%- if are_held and has_repeats %}
WHERE label_id NOT IN (FROM label_repeats)
{%- endif %};
{%- if are_held %}
CREATE TEMP VIEW label_keys AS SELECT label_id, key, file, row, raw_value FROM held_labels;
CREATE TEMP VIEW labels AS FROM held_labels;
CREATE TEMP VIEW numbered_labels AS FROM held_labels;
{%- else %}
CREATE TEMP VIEW labels AS
FROM numbered_labels
{%- if has_repeats %}
WHERE label_id NOT IN (FROM label_repeats)
{%- endif %};
{%- endif %}
