-- The first key cell of a CSV output that may be a number in another spelling: 12.0 or 1.2e+10. No row where there is none.
-- Parameters: those of the file
SELECT row, text
FROM (
    {%- for cell in keys %}
    {% if not loop.first %}UNION ALL {% endif %}SELECT row, {% include 'sources/text.sql' %} AS text
    FROM ({% include 'sources/' ~ source.reader ~ '.sql' %})
    {%- endfor %}
)
WHERE regexp_full_match(text, '-?[0-9]+[.]0+|-?[0-9]+([.][0-9]+)?[eE][+-]?[0-9]+')
ORDER BY row
LIMIT 1;
