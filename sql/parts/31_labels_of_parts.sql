-- Returns the distinct values of the key columns in some parts, following each other, that have a label, with the number
-- of the label.
-- Parameters: $first, $last (of the parts)
SELECT DISTINCT
    {%- for cell in cells %}
    {{ cell.value | ident }},
    {%- endfor %}
    label_id
FROM part_labels
WHERE part BETWEEN $first AND $last
ORDER BY label_id;
