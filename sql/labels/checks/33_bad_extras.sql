-- Returns values of extras that do not fit the type that is stated for them, of labels that have a key and a score: the
-- first rows of each extra, and how many there are in all.
{%- from 'labels/extras.sql' import stated_text %}
SELECT extra, file, row, text, count(*) OVER (PARTITION BY extra) AS total
FROM (
    {%- for extra in stated_extras %}
    {% if not loop.first %}UNION ALL {% endif %}SELECT
        {{ loop.index0 | number }} AS extra, file, row, {{ extra.text | ident }} AS text
    FROM label_rows
    WHERE key IS NOT NULL AND mos_state = 'ok' AND {{ extra.text | ident }} IS NOT NULL
        AND {{ stated_text(extra) }} IS NULL
        AND mos_state({{ extra.text | ident }}, {{ extra.type | ident }}, []) <> 'missing'
    {%- endfor %}
)
QUALIFY row_number() OVER (PARTITION BY extra ORDER BY file, row) <= 3
ORDER BY extra, file, row;
