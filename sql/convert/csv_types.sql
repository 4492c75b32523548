-- Returns the type of every column of a CSV file, from all of its cells, and its type as a key, which is never a
-- DOUBLE: 12.0 and 12 are two keys. One row per column that any row has, in order. The cells of a row become a list and
-- then rows, so that one expression serves thousands of columns. If numbers have a decimal comma: the first number with
-- a point (pointed) and its row, in a column of numbers alone.
-- Parameters: those of the file
{%- from 'sources/cells.sql' import rows %}
{%- set comma = cells | length > 0 and cells[0].has_comma %}
SELECT
    place, bits_type(bits) AS sql_type, CASE WHEN bits < 4 THEN 'BIGINT' ELSE 'VARCHAR' END AS key_type
    {%- if comma %}, CASE WHEN has_points(bits) THEN pointed END AS pointed{% endif %}
FROM (
    SELECT
        place, bit_or({% if comma %}bits_with_point(cell, 'CSV,'){% else %}cell_bits(cell){% endif %}) AS bits
        {%- if comma %},
        arg_min({'row': row, 'text': cell}, row) FILTER (WHERE bits_with_point(cell, 'CSV,') = 32) AS pointed
        {%- endif %}
    FROM (
        SELECT unnest(cells) AS cell, generate_subscripts(cells, 1) AS place{% if comma %}, row{% endif %}
        FROM (
            SELECT {% if comma %}row, {% endif %}[
                {%- for cell in cells %}
                {{ cell.value | ident }}{% if not loop.last %},{% endif %}
                {%- endfor %}
            ] AS cells
            FROM ({{ rows(source, cells) }})
        )
    )
    GROUP BY place
)
ORDER BY place;
