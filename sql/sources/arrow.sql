-- A table in memory: one row per row, with its number (from 1) and the wanted columns. Which one it is stands in the
-- template, as a name that the engine gave it: a table is no value that could be bound.
SELECT
    row_number() OVER () AS row
    {%- for cell in cells %},
    {{ cell.column.ident | ident }} AS {{ cell.value | ident }}
    {%- endfor %}
FROM {{ source.file | ident }}
