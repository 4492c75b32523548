-- Returns the type of every column of a CSV file, from all of its cells, and its type as a key, which is never a
-- DOUBLE: 12.0 and 12 are two keys. One row per column that any row has, in order. The cells of a row become a list and
-- then rows, so that one expression serves thousands of columns.
-- Parameters: those of the file
{%- from 'sources/cells.sql' import rows %}
SELECT place, bits_type(bits) AS sql_type, CASE WHEN bits < 4 THEN 'BIGINT' ELSE 'VARCHAR' END AS key_type
FROM (
    SELECT place, bit_or(cell_bits(cell)) AS bits
    FROM (
        SELECT unnest(cells) AS cell, generate_subscripts(cells, 1) AS place
        FROM (
            SELECT [
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
