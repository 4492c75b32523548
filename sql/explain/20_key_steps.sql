-- Returns what becomes of one value on its way to a key: one row per key column, each with the key of all of them
-- together.
-- Parameters: $values, $types, $normalize, $regex, $capture (a list each: an entry per key column)
{%- from 'sources/keys.sql' import keyed %}
WITH cells AS (
    SELECT
        {%- for cell in keys %}
        $values[{{ loop.index | number }}] AS {{ cell.text | ident }},
        $types[{{ loop.index | number }}] AS {{ cell.type | ident }}{% if not loop.last %},{% endif %}
        {%- endfor %}
), keyed AS (
    {{ keyed('cells', keys) }}
)
{%- for cell in keys %}
{% if not loop.first %}UNION ALL
{% endif -%}
SELECT
    {{ loop.index | number }} AS part,
    {{ (cell.alias ~ '_fault') | ident }} AS fault,
    {{ (cell.alias ~ '_as_text') | ident }} AS text,
    {{ (cell.alias ~ '_trimmed') | ident }} AS trimmed,
    {{ (cell.alias ~ '_normalised') | ident }} AS normalised,
    {{ (cell.alias ~ '_extracted') | ident }} AS extracted,
    key
FROM keyed
{%- endfor %}
ORDER BY part;
