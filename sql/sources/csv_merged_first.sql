-- Returns the cells of the first line that holds some: one row, or none.
-- Parameters: those of the file
{%- from 'sources/csv_merged.sql' import lines_of_cells, texts %}
SELECT {{ texts() }} AS cells
FROM ({{ lines_of_cells() }})
WHERE len(cells) > 0
LIMIT 1;
