-- Returns the first key cell of a CSV output that may be a number in another spelling: 12.0 or 1.2e+10; or no row.
-- Parameters: those of the file
{%- from 'sources/cells.sql' import rows, cell_text %}
SELECT row, text
FROM (
    {%- for cell in keys %}
    {% if not loop.first %}UNION ALL {% endif %}SELECT row, {{ cell_text(cell) }} AS text
    FROM ({{ rows(source, cells) }})
    {%- endfor %}
)
WHERE regexp_full_match(text, '-?[0-9]+[.]0+|-?[0-9]+([.][0-9]+)?[eE][+-]?[0-9]+')
ORDER BY row
LIMIT 1;
