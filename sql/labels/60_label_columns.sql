-- Returns the label columns, in the order of the output: one row per label, at the position of its label_id, and after
-- them one row for feature rows without a label.
-- Parameters: $missing
SELECT mos, mos_raw_0_100, status, source
    {%- for extra in typed_extras %}, {{ extra.value | ident }}{% endfor %}
FROM (
    SELECT
        label_id, mos, mos_raw_0_100, 'ok' AS status, source
        {%- for extra in typed_extras %}, {{ extra.value | ident }}{% endfor %}
    FROM labels
    UNION ALL
    SELECT $missing, NULL, NULL, 'missing-label', ''
        {%- for _ in typed_extras %}, NULL{% endfor %}
)
ORDER BY label_id;
