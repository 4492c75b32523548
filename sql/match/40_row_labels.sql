-- Returns the join: one row per feature row, in the order of the file, with the position of its label columns: those of
-- its label, or the last, which stands for none. A join keeps no order, so the row number is carried along and sorted
-- by; nothing wider is.
-- Parameters: those of the file, and $missing
{%- from 'sources/cells.sql' import rows %}
SELECT label_id
FROM (
    SELECT CAST(row AS {{ row_type | sqltype }}) AS row, CAST(coalesce(label_id, $missing) AS INTEGER) AS label_id
    FROM ({{ rows(source, cells) }}) AS feature_rows
    LEFT JOIN feature_keys ON
        {%- for cell in cells %}
        {% if not loop.first %}AND {% endif -%}
        feature_rows.{{ cell.value | ident }} IS NOT DISTINCT FROM feature_keys.{{ cell.value | ident }}
        {%- endfor %}
)
ORDER BY row;
