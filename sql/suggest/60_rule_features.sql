-- rule_features: one row per distinct value of the feature columns of a rule, with the key that the rule makes of it: all
-- its parts, or none where one is lacking.
-- Parameters: $columns_number, $normalize, $regexes (one per part, NULL for none; the first group is the part)
CREATE OR REPLACE TEMP TABLE rule_features AS
WITH made AS (
    SELECT
        texts, is_fault, rows,
        [
            {%- for part in parts %}
            make_key(texts[{{ part | number }}], $normalize, CAST($regexes AS VARCHAR[])[{{ part | number }}], 1)
            {%- if not loop.last %},{% endif %}
            {%- endfor %}
        ] AS key
    FROM suggest_features
    WHERE columns = $columns_number
)
SELECT texts, is_fault, rows, CASE WHEN list_count(key) = len(key) THEN key END AS key
FROM made;
