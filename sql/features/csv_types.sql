-- The type of every column of a CSV file, from all of its cells: one row per column that any row has, in order. The cells
-- of a row become a list and then rows, so that one expression serves thousands of columns.
-- Parameters: those of the file
SELECT place, bits_type(bit_or(cell_bits(cell))) AS sql_type
FROM (
    SELECT unnest(cells) AS cell, generate_subscripts(cells, 1) AS place
    FROM (
        SELECT [
            {%- for cell in cells %}
            {{ cell.value | ident }}{% if not loop.last %},{% endif %}
            {%- endfor %}
        ] AS cells
        FROM ({% include 'sources/csv.sql' %})
    )
)
GROUP BY place
ORDER BY place;
