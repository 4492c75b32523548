-- Adds the rows of one label file to rule_labels.
-- Parameters: $columns_number, $file, $normalize, $regexes (one per part, NULL for none; the first group is the part), $folds
{%- from 'suggest/keys.sql' import made_parts %}
INSERT INTO rule_labels
WITH made AS (
    SELECT
        file, row, texts, is_fault, mos,
        {{ made_parts(parts) }} AS key
    FROM suggest_labels
    WHERE columns = $columns_number AND file = $file
)
SELECT * REPLACE (CASE WHEN list_count(key) = len(key) THEN key END AS key)
FROM made;
