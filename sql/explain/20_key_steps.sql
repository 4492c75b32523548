-- What becomes of one value on its way to a key: one row per key column, and the key of all of them together.
-- Parameters: $values, $types, $normalize, $regex, $capture (a list each: an entry per key column)
WITH cells AS (
    SELECT
        {%- for cell in keys %}
        $values[{{ loop.index | number }}] AS {{ cell.text | ident }}, $types[{{ loop.index | number }}] AS {{ cell.type | ident }}
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
), parts AS (
    {% include 'sources/key_parts.sql' %}
), steps AS (
    {%- for cell in keys %}
    {% if not loop.first %}UNION ALL {% endif %}SELECT
        {{ loop.index | number }} AS part,
        key_fault({{ cell.text | ident }}, {{ cell.type | ident }}) AS fault,
        {{ (cell.alias ~ '_key_text') | ident }} AS text,
        {{ (cell.alias ~ '_trimmed') | ident }} AS trimmed,
        {{ (cell.alias ~ '_part') | ident }} AS normalised,
        extract_key(
            {{ (cell.alias ~ '_part') | ident }}, CAST($regex[{{ loop.index | number }}] AS VARCHAR), $capture[{{ loop.index | number }}]
        ) AS extracted
    FROM parts
    {%- endfor %}
), whole AS (
    SELECT {% include 'sources/key.sql' %}
    FROM parts
)
SELECT steps.*, whole.key
FROM steps, whole
ORDER BY part;
