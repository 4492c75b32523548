{#- Return the labels that features have: the number of their rows, and the first of these. The template is told whether
    several values may have one key (has_repeats): if not, each label is there once, and its value beside it. -#}
{%- macro used(has_repeats) -%}
SELECT label_id
    {%- if has_repeats %}, CAST(sum(rows) AS BIGINT) AS rows, min(first_row) AS first_row
    {%- else %}, rows, first_row, raw_value
    {%- endif %}
FROM feature_keys
WHERE label_id IS NOT NULL
{%- if has_repeats %}
GROUP BY label_id
{%- endif %}
{%- endmacro -%}
