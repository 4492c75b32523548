-- Adds one set of columns to suggest_features.
-- Parameters: those of the file, and $columns_number
INSERT INTO suggest_features
WITH rows AS (
    SELECT
        {%- for cell in cells %}
        {{ cell.value | ident }},
        {%- endfor %}
        count(*) AS rows
    FROM ({% include 'sources/' ~ source.reader ~ '.sql' %})
    GROUP BY ALL
), cells AS (
    SELECT
        rows
        {%- for cell in cells %},
        {% include 'sources/text.sql' %} AS {{ cell.text | ident }},
        {% include 'sources/type.sql' %} AS {{ cell.type | ident }}
        {%- endfor %}
    FROM rows
)
SELECT
    $columns_number,
    [
        {%- for cell in cells %}
        key_text({{ cell.text | ident }}, {{ cell.type | ident }}){% if not loop.last %},{% endif %}
        {%- endfor %}
    ],
    {% for cell in cells -%}
    key_fault({{ cell.text | ident }}, {{ cell.type | ident }}) IS NOT NULL{% if not loop.last %} OR {% endif %}
    {%- endfor %},
    rows
FROM cells;
