{#- Return the keys that no near miss explains, by their side: features without a label, labels without a feature. -#}
{%- macro lone(sides, has_near) -%}
{%- for side in sides %}
{% if not loop.first %}UNION ALL
{% endif -%}
{%- if side == 'feature' -%}
SELECT DISTINCT 'feature' AS side, key
FROM feature_keys
WHERE key IS NOT NULL AND label_id IS NULL
    {%- if has_near %} AND key NOT IN (SELECT key FROM near_keys){% endif %}
{%- else -%}
SELECT 'label' AS side, key
FROM label_keys
WHERE label_id NOT IN (SELECT label_id FROM feature_keys WHERE label_id IS NOT NULL)
    {%- if has_near %} AND key NOT IN (SELECT label_key FROM near_keys){% endif %}
{%- endif %}
{%- endfor %}
{%- endmacro -%}
