-- Adds the rows of one label file to label_cells: key by the rules, scores as numbers, extras as text with their type.
-- The template is told whether all values of the key columns are known to fit (all_fit, see sources/keys).
-- Parameters: those of the file, and $file, $regex, $capture (a list each: an entry per part of the key),
-- $missing_values
{%- from 'sources/cells.sql' import text_rows %}
{%- from 'sources/keys.sql' import keyed, with_constants %}
{%- from 'labels/scores.sql' import trimmed, number, state %}
INSERT INTO label_cells BY NAME
WITH cells AS (
    {%- if key.constants %}
    {{ with_constants(text_rows(source, cells), key) }}
    {%- else %}
    {{ text_rows(source, cells) }}
    {%- endif %}
), keyed AS (
    {{ keyed('cells', key, all_fit) }}
), trimmed AS (
    SELECT
        *
        {%- for score in scores %},
        {{ trimmed(score) }} AS {{ (score.alias ~ '_trimmed') | ident }}
        {%- endfor %}
    FROM keyed
), numbers AS (
    SELECT
        *
        {%- for score in scores %},
        {{ number(score) }} AS {{ (score.alias ~ '_number') | ident }}
        {%- endfor %}
    FROM trimmed
)
{%- if has_mos_100 %}, states AS (
    SELECT
        *
        {%- for score in scores %},
        {{ state(score) }} AS {{ (score.alias ~ '_state') | ident }}
        {%- endfor %}
    FROM numbers
), judged AS (
    SELECT
        *,
        mos_state <> 'bad' AND (mos_100_state = 'bad' OR (mos_state = 'missing' AND mos_100_state = 'ok')) AS is_mos_100
    FROM states
)
{%- endif %}
SELECT
    {% if is_first %}row - 1{% else %}(SELECT count(*) FROM label_cells) + row - 1{% endif %} AS label_id,
    $file AS file, row,
    CASE WHEN raw_value IS DISTINCT FROM key THEN raw_value END AS other_value,
    key_fault, fault_part, key,
    {%- if has_mos_100 %}
    CASE WHEN is_mos_100 THEN mos_100_text ELSE mos_text END AS mos_text,
    CASE
        WHEN 'bad' IN (mos_state, mos_100_state) THEN 'bad'
        WHEN 'ok' IN (mos_state, mos_100_state) THEN 'ok'
        ELSE 'missing'
    END AS mos_state,
    CASE mos_state WHEN 'ok' THEN mos_number END AS value,
    mos_100_text,
    CASE mos_100_state WHEN 'ok' THEN mos_100_number END AS mos_100,
    is_mos_100
    {%- else %}
    mos_text,
    {{ state(scores[0]) }} AS mos_state,
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
