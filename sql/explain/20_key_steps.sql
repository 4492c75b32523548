-- Returns what becomes of one value on its way to a key: one row per key column, each with the steps of its part and
-- the key of all parts together. A template makes one part of all columns: joined.
-- Parameters: $values, $types, $regex, $capture (a list each: $values and $types have an entry per key
-- column, the others per part)
{%- from 'sources/keys.sql' import keyed, normal_text %}
WITH cells AS (
    SELECT
        {%- for cell in key.keys %}
        $values[{{ loop.index | number }}] AS {{ cell.text | ident }},
        $types[{{ loop.index | number }}] AS {{ cell.type | ident }}{% if not loop.last %},{% endif %}
        {%- endfor %}
), keyed AS (
    {{ keyed('cells', key) }}
)
{%- for cell in key.keys %}
{%- set of_part = key.parts[0] if key.template is not none else cell %}
{% if not loop.first %}UNION ALL
{% endif -%}
SELECT
    {{ loop.index | number }} AS part,
    {{ (cell.alias ~ '_fault') | ident }} AS fault,
    {{ (cell.alias ~ '_as_text') | ident }} AS text,
    {{ (cell.alias ~ '_trimmed') | ident }} AS trimmed,
    {% if key.template is not none %}{{ (of_part.alias ~ '_trimmed') | ident }}{% else %}NULL{% endif %} AS joined,
    {{ normal_text(of_part, key.normalize[0 if key.template is not none else loop.index0]) }} AS normalised,
    {{ (of_part.alias ~ '_extracted') | ident }} AS extracted,
    {% if key.folds %}{{ (of_part.alias ~ '_folded') | ident }}{% else %}NULL{% endif %} AS folded,
    key
FROM keyed
{%- endfor %}
ORDER BY part;
