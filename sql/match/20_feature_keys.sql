-- Makes feature_keys: one row per distinct value of the key columns, with its key and the label that has the same key.
-- The template is told whether the rows of the file are these values already (are_values), and whether all of them are
-- known to fit (all_fit, see sources/keys).
-- Parameters: $regex, $capture (a list each: an entry per part of the key)
{%- from 'sources/cells.sql' import rows, texts %}
{%- from 'sources/keys.sql' import keyed %}
CREATE OR REPLACE TEMP TABLE feature_keys AS
WITH cells AS (
    SELECT
        *,
        {{- texts(keys) }}
    {%- if are_values %},
    row AS first_row
    FROM ({{ rows(source, cells) }})
    {%- else %}
    FROM feature_values
    {%- endif %}
), keyed AS (
    {{ keyed('cells', key, all_fit) }}
)
SELECT
    {%- for cell in keys %}
    {{ cell.value | ident }},
    {%- endfor %}
    rows, first_row, raw_value, key_fault, fault_part, keyed.key, label_id
FROM keyed LEFT JOIN (SELECT key, label_id FROM label_keys) AS labels USING (key);
