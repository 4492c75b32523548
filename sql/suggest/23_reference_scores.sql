-- Returns how many rows hold the least score and how many a greater one, and how many of either name a reference: some
-- of their cells say that a clip is the original. The first of the cells is the score.
-- Parameters: those of the file, and $low
{%- from 'sources/cells.sql' import text_rows %}
WITH cells AS (
    {{ text_rows(source, cells) }}
), named AS (
    SELECT
        mos_number({{ cells[0].text | ident }}, {{ cells[0].type | ident }}) AS number,
        regexp_matches(
            concat_ws(' '{% for cell in cells[1:] %}, {{ cell.text | ident }}{% endfor %}),
            '(?i)(^|[^a-z])(ref|reference|pristine|orig|original|lossless|src|source)([^a-z]|$)'
        ) AS is_reference
    FROM cells
)
SELECT
    count(*) FILTER (WHERE number = $low) AS low_rows,
    count(*) FILTER (WHERE number = $low AND is_reference) AS low_references,
    count(*) FILTER (WHERE number > $low) AS other_rows,
    count(*) FILTER (WHERE number > $low AND is_reference) AS other_references
FROM named;
