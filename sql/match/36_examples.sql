-- Returns the first labelled feature rows, each of another label, beside it: at most three rows. The template is told
-- whether several values may have one key (has_repeats): if not, each value has another label.
SELECT
    {% if has_repeats %}feature_keys{% else %}firsts{% endif %}.raw_value, first_row AS row, labels.key,
    labels.raw_value AS label_value, file AS label_file, labels.row AS label_row, mos_text, mos, mos_raw_0_100
FROM (
    {%- if has_repeats %}
    SELECT label_id, min(first_row) AS first_row FROM feature_keys WHERE label_id IS NOT NULL GROUP BY label_id
    {%- else %}
    SELECT label_id, first_row, raw_value FROM feature_keys WHERE label_id IS NOT NULL
    {%- endif %}
    ORDER BY first_row
    LIMIT 3
) AS firsts
JOIN numbered_labels AS labels USING (label_id)
{%- if has_repeats %}
JOIN feature_keys USING (first_row)
{%- endif %}
ORDER BY first_row;
