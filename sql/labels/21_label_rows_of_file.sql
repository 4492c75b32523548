-- Adds the rows of one label file to label_cells: key by the rules, scores as numbers, extras as text with their type.
-- Parameters: those of the file, and $file, $regex, $capture (a list each: an entry per part of the key),
-- $missing_values
{%- from 'sources/cells.sql' import text_rows %}
{%- from 'sources/keys.sql' import keyed, with_constants %}
{%- from 'labels/scores.sql' import number %}
INSERT INTO label_cells BY NAME
WITH cells AS (
    {%- if key.constants %}
    {{ with_constants(text_rows(source, cells), key) }}
    {%- else %}
    {{ text_rows(source, cells) }}
    {%- endif %}
), keyed AS (
    {{ keyed('cells', key) }}
), numbers AS (
    SELECT
        *
        {%- for score in scores %},
        {{ number(score) }} AS {{ (score.alias ~ '_number') | ident }}
        {%- endfor %}
    FROM keyed
)
{%- if has_mos_100 %}, judged AS (
    SELECT
        *,
        number_state(mos_text, mos_number, mos_type, $missing_values) AS state,
        number_state(mos_100_text, mos_100_number, mos_100_type, $missing_values) AS state_100,
        state <> 'bad' AND (state_100 = 'bad' OR (state = 'missing' AND state_100 = 'ok')) AS is_mos_100
    FROM numbers
)
{%- endif %}
SELECT
    (SELECT count(*) FROM label_cells) + row - 1 AS label_id,
    $file AS file, row,
    CASE WHEN raw_value IS DISTINCT FROM key THEN raw_value END AS other_value,
    key_fault, fault_part, key,
    {%- if has_mos_100 %}
    CASE WHEN is_mos_100 THEN mos_100_text ELSE mos_text END AS mos_text,
    CASE WHEN 'bad' IN (state, state_100) THEN 'bad' WHEN 'ok' IN (state, state_100) THEN 'ok' ELSE 'missing' END
        AS mos_state,
    CASE state WHEN 'ok' THEN mos_number END AS value,
    mos_100_text,
    CASE state_100 WHEN 'ok' THEN mos_100_number END AS mos_100,
    is_mos_100
    {%- else %}
    mos_text,
    number_state(mos_text, mos_number, mos_type, $missing_values) AS mos_state,
    mos_number AS value
    {%- endif %}
    {%- if has_scale %},
    scale_text, scale_worst(scale_text) AS row_worst, scale_best(scale_text) AS row_best
    {%- endif %}
    {%- for extra in present %},
    CASE WHEN (NOT is_csv_type({{ extra.type | ident }}) OR {{ extra.text | ident }} <> '')
        {%- if extra.missing_values %}
        AND trim_text({{ extra.text | ident }}) NOT IN (
            {%- for value in extra.missing_values %}{{ value | text }}{% if not loop.last %}, {% endif %}{% endfor -%}
        )
        {%- endif %} THEN {{ extra.text | ident }} END AS {{ extra.text | ident }},
    {{ extra.type | ident }}
    {%- endfor %}
FROM {% if has_mos_100 %}judged{% else %}numbers{% endif %};
