-- feature_keys: one row per distinct value of the key column, with its key and the label that has the same key.
-- Parameters: $normalize, $regex, $capture
CREATE TEMP TABLE feature_keys AS
WITH cells AS (
    SELECT
        key_value, rows, first_row,
        {% include 'sources/text.sql' %} AS key_text,
        {% include 'sources/type.sql' %} AS key_type
    FROM feature_values
), keys AS (
    SELECT
        *,
        key_fault(key_text, key_type) AS key_fault,
        make_key(key_text(key_text, key_type), $normalize, CAST($regex AS VARCHAR), $capture) AS key
    FROM cells
)
SELECT keys.*, labels.label_id
FROM keys LEFT JOIN labels USING (key);
