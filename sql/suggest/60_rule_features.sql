-- Makes rule_features: one row per distinct value of the feature columns of a rule, with the key that the rule makes of
-- it: all its parts, or none if one is lacking.
-- Parameters: $columns_number, $normalize, $regexes (one per part, NULL for none; the first group is the part), $folds
{%- from 'suggest/keys.sql' import made_parts %}
CREATE OR REPLACE TEMP TABLE rule_features AS
WITH made AS (
    SELECT
        texts, is_fault, rows,
        {{ made_parts(parts) }} AS key
    FROM suggest_features
    WHERE columns = $columns_number
)
SELECT texts, is_fault, rows, CASE WHEN list_count(key) = len(key) THEN key END AS key
FROM made;
