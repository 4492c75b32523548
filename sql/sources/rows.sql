-- Returns the rows of a table: the number of each (from 1) and the wanted cells.
-- Parameters: those of the file
{%- from 'sources/cells.sql' import rows %}
{{ rows(source, cells) }};
