-- Returns the counts of each part, in order: its rows, and its distinct keys, with and without a label.
SELECT
    part,
    CAST(sum(part_values.rows) AS BIGINT) AS input_rows,
    CAST(coalesce(sum(part_values.rows) FILTER (WHERE key IS NULL), 0) AS BIGINT) AS rows_without_key,
    CAST(coalesce(sum(part_values.rows) FILTER (WHERE label_id IS NOT NULL), 0) AS BIGINT) AS matched_rows,
    count(DISTINCT key) AS total_feature_keys,
    count(DISTINCT key) FILTER (WHERE label_id IS NOT NULL) AS matched_feature_keys
FROM part_values
LEFT JOIN feature_keys ON
    {%- for cell in cells %}
    {% if not loop.first %}AND {% endif -%}
    part_values.{{ cell.value | ident }} IS NOT DISTINCT FROM feature_keys.{{ cell.value | ident }}
    {%- endfor %}
GROUP BY part
ORDER BY part;
