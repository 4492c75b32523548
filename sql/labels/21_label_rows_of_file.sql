-- Adds the rows of one label file to label_rows: key by the rules, scores as numbers, extras as text with their type.
-- Parameters: those of the file, and $file, $normalize, $regex, $capture (a list each: an entry per
-- key column), $missing_values
INSERT INTO label_rows
WITH cells AS (
    {%- include 'sources/cells.sql' %}
), parts AS (
    {% include 'sources/key_parts.sql' %}
)
{%- if has_mos_100 %}, judged AS (
    SELECT
        *,
        mos_state(mos_text, mos_type, $missing_values) AS state,
        mos_state(mos_100_text, mos_100_type, $missing_values) AS state_100,
        state <> 'bad' AND (state_100 = 'bad' OR (state = 'missing' AND state_100 = 'ok')) AS is_mos_100
    FROM parts
)
{%- endif %}
SELECT
    $file,
    row,
    {% include 'sources/key.sql' %},
    {% if has_mos_100 -%}
    CASE WHEN is_mos_100 THEN mos_100_text ELSE mos_text END,
    CASE WHEN 'bad' IN (state, state_100) THEN 'bad' WHEN 'ok' IN (state, state_100) THEN 'ok' ELSE 'missing' END,
    CASE state WHEN 'ok' THEN mos_number(mos_text, mos_type) END,
    mos_100_text,
    CASE state_100 WHEN 'ok' THEN mos_number(mos_100_text, mos_100_type) END,
    is_mos_100
    {%- else -%}
    mos_text,
    mos_state(mos_text, mos_type, $missing_values),
    mos_number(mos_text, mos_type),
    NULL,
    NULL,
    false
    {%- endif %}
    {%- for extra in extras %},
    {% if extra in present %}
    {%- if source.reader == 'csv' %}NULLIF({{ extra.text | ident }}, ''){% else %}{{ extra.text | ident }}{% endif %}, {{ extra.type | ident }}
    {%- else %}NULL, NULL{% endif %}
    {%- endfor %}
FROM {% if has_mos_100 %}judged{% else %}parts{% endif %};
