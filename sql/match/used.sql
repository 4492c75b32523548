{#- Return the labels that features have, and the number of their rows. The template is told whether several values may have
    one key (has_repeats): if not, each label is there once. -#}
{%- macro used(has_repeats) -%}
SELECT label_id, {% if has_repeats %}CAST(sum(rows) AS BIGINT) AS rows{% else %}rows{% endif %}
FROM feature_keys
WHERE label_id IS NOT NULL
{%- if has_repeats %}
GROUP BY label_id
{%- endif %}
{%- endmacro -%}
