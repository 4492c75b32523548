-- Adds some columns, each a set of its own, to suggest_features: the file is read once for all of them.
-- Parameters: those of the file, and $numbers (of the sets)
{%- from 'sources/cells.sql' import rows, cell_text, cell_type %}
INSERT INTO suggest_features
WITH values AS (
    SELECT
        CASE
            {%- for cell in cells %}
            WHEN grouping({{ cell.value | ident }}) = 0 THEN {{ loop.index | number }}
            {%- endfor %}
        END AS place,
        {%- for cell in cells %}
        {{ cell.value | ident }},
        {%- endfor %}
        count(*) AS rows
    FROM ({{ rows(source, cells) }})
    GROUP BY GROUPING SETS (
        {%- for cell in cells %}
        ({{ cell.value | ident }}){% if not loop.last %},{% endif %}
        {%- endfor %}
    )
), cells AS (
    SELECT
        place,
        CASE place
            {%- for cell in cells %}
            WHEN {{ loop.index | number }} THEN {{ cell_text(cell) }}
            {%- endfor %}
        END AS text,
        CASE place
            {%- for cell in cells %}
            WHEN {{ loop.index | number }} THEN {{ cell_type(cell) }}
            {%- endfor %}
        END AS type,
        rows
    FROM values
)
SELECT CAST($numbers AS INTEGER[])[place], [key_text(text, type)], key_fault(text, type) IS NOT NULL, rows
FROM cells;
