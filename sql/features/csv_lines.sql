-- A CSV file: the cells of every row, in file order, as one line without its end. A cell is quoted where it must be;
-- an empty text ("") stays apart from an empty cell.
-- Parameters: those of the file, $written_delimiter, and $special (a pattern of what must be quoted)
SELECT concat_ws($written_delimiter
    {%- for cell in cells %},
    csv_cell({{ cell.value | ident }}, $special)
    {%- endfor %}) AS text
FROM ({% include 'sources/csv.sql' %});
