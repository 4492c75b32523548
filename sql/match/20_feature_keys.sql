-- feature_keys: one row per distinct value of the key columns, with its key and the label that has the same key.
-- Parameters: $normalize, $regex, $capture (a list each: an entry per key column)
CREATE TEMP TABLE feature_keys AS
WITH cells AS (
    SELECT
        *
        {%- for cell in keys %},
        {% include 'sources/text.sql' %} AS {{ cell.text | ident }},
        {% include 'sources/type.sql' %} AS {{ cell.type | ident }}
        {%- endfor %}
    FROM feature_values
), keys AS (
    SELECT
        {%- for cell in keys %}
        {{ cell.value | ident }},
        {%- endfor %}
        rows, first_row,
        {% include 'sources/key.sql' %}
    FROM ({% include 'sources/key_parts.sql' %})
)
SELECT keys.*, labels.label_id
FROM keys LEFT JOIN labels USING (key);
