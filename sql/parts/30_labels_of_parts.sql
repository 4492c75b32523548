-- Returns the distinct values of the key columns in some parts, following each other, that have a label, with the number
-- of the label.
-- Parameters: $first, $last (of the parts)
SELECT DISTINCT
    {%- for cell in cells %}
    part_values.{{ cell.value | ident }},
    {%- endfor %}
    label_id
FROM part_values
JOIN feature_keys ON
    {%- for cell in cells %}
    {% if not loop.first %}AND {% endif -%}
    part_values.{{ cell.value | ident }} IS NOT DISTINCT FROM feature_keys.{{ cell.value | ident }}
    {%- endfor %}
WHERE part BETWEEN $first AND $last AND label_id IS NOT NULL
ORDER BY label_id;
