-- Returns the first labelled feature rows, each of another label, beside it: at most three rows.
{%- from 'match/used.sql' import used %}
SELECT
    {% if has_repeats %}feature_keys{% else %}firsts{% endif %}.raw_value, first_row AS row, labels.key,
    labels.raw_value AS label_value, file AS label_file, labels.row AS label_row, mos_text, mos, mos_raw_0_100
FROM (FROM ({{ used(has_repeats) }}) ORDER BY first_row LIMIT 3) AS firsts
JOIN numbered_labels AS labels USING (label_id)
{%- if has_repeats %}
JOIN feature_keys USING (first_row)
{%- endif %}
ORDER BY first_row;
