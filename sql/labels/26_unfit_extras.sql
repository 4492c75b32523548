-- Returns the label files in which an extra that was taken by the name of its column holds a value that is not a number
-- of votes or a standard deviation: one row per extra and file, with the first such value and how many there are.
{%- from 'labels/extras.sql' import stated_text %}
SELECT extra, file, count(*) AS total, min(row) AS row, arg_min(text, row) AS text
FROM (
    {%- for extra in extras %}
    {% if not loop.first %}UNION ALL {% endif %}SELECT
        {{ loop.index0 | number }} AS extra, file, row, {{ extra.text | ident }} AS text,
        {{ stated_text(extra) }} AS number
    FROM label_rows
    WHERE key IS NOT NULL AND mos_state = 'ok'
        AND mos_state({{ extra.text | ident }}, {{ extra.type | ident }}, []) <> 'missing'
    {%- endfor %}
)
WHERE NOT coalesce(TRY_CAST(number AS DOUBLE) >= 0, false)
GROUP BY extra, file
ORDER BY extra, file;
