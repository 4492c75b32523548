-- Returns the label columns, in the order of the output, and label_id: one row per label, in the order of label_id, and
-- after them one row for feature rows without a label. The template is told whether they are of the labels alone that
-- features use (is_of_used). Millions of rows are passed on, so in the place of its path stands the number of the label
-- file, NULL for none, and the status is an ENUM, of which Arrow gets numbers.
-- Parameters: $missing
WITH columns AS (
    SELECT
        mos, mos_raw_0_100, file
        {%- for extra in typed_extras %}, {{ extra.value | ident }}{% endfor %}, label_id
    {%- if is_of_used %}
    FROM numbered_labels
    WHERE label_id IN (SELECT label_id FROM feature_keys WHERE label_id IS NOT NULL)
    {%- else %}
    FROM labels
    {%- endif %}
    UNION ALL
    SELECT NULL, NULL, NULL
        {%- for _ in typed_extras %}, NULL{% endfor %}, CAST($missing AS INTEGER)
)
SELECT
    mos, mos_raw_0_100,
    CASE
        WHEN file IS NULL THEN CAST('missing-label' AS ENUM ('ok', 'missing-label'))
        ELSE CAST('ok' AS ENUM ('ok', 'missing-label'))
    END AS status,
    file
    {%- for extra in typed_extras %}, {{ extra.value | ident }}{% endfor %}, label_id
FROM (FROM columns ORDER BY label_id);
