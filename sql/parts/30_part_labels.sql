-- Makes part_labels: one row per part and distinct value of the key columns in it that has a label, with the number of
-- the label. The rows of a part stand together, so that those of a few are found without reading all.
CREATE OR REPLACE TEMP TABLE part_labels AS
SELECT
    part,
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
WHERE label_id IS NOT NULL
ORDER BY part;
