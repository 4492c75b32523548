-- The type of every column of a CSV file, from all of its cells, in the order of the columns.
-- Parameters: those of the file
SELECT
    {%- for cell in cells %}
    bits_type(bit_or(cell_bits({{ cell.value | ident }}))){% if not loop.last %},{% endif %}
    {%- endfor %}
FROM ({% include 'sources/csv.sql' %});
