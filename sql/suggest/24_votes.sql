-- Returns, of all rows of a label file: how many there are, how many different texts two columns hold, such as clip and
-- person, and how many pairs of them. The first of the cells is the clip, the second the person.
-- Parameters: those of the file
{%- from 'sources/cells.sql' import text_rows %}
WITH cells AS (
    {{ text_rows(source, cells) }}
)
SELECT
    count(*) AS rows,
    count(DISTINCT {{ cells[0].text | ident }}) AS clips,
    count(DISTINCT {{ cells[1].text | ident }}) AS people,
    count(DISTINCT ({{ cells[0].text | ident }}, {{ cells[1].text | ident }})) AS pairs
FROM cells;
