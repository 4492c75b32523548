-- What becomes of one value on its way to a key: one row per key column, and the key of all of them together.
-- Parameters: $values, $types, $normalize, $regex, $capture (a list each: an entry per key column)
WITH cells AS (
    SELECT
        {%- for cell in keys %}
        $values[{{ loop.index | number }}] AS {{ cell.text | ident }}, $types[{{ loop.index | number }}] AS {{ cell.type | ident }}
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
), steps AS (
    {%- for cell in keys %}
    {% if not loop.first %}UNION ALL {% endif %}SELECT
        {{ loop.index | number }} AS part,
        key_fault({{ cell.text | ident }}, {{ cell.type | ident }}) AS fault,
        key_text({{ cell.text | ident }}, {{ cell.type | ident }}) AS text,
        trim_text(key_text({{ cell.text | ident }}, {{ cell.type | ident }})) AS trimmed,
        normalize_key(
            trim_text(key_text({{ cell.text | ident }}, {{ cell.type | ident }})), $normalize[{{ loop.index | number }}]
        ) AS normalised,
        make_key(
            key_text({{ cell.text | ident }}, {{ cell.type | ident }}), $normalize[{{ loop.index | number }}],
            CAST($regex[{{ loop.index | number }}] AS VARCHAR), $capture[{{ loop.index | number }}]
        ) AS extracted
    FROM cells
    {%- endfor %}
), whole AS (
    SELECT {% include 'sources/key.sql' %}
    FROM cells
)
SELECT steps.*, whole.key
FROM steps, whole
ORDER BY part;
