{#- What is left of a key, or of each of its parts, without a difference. -#}
{%- if keys | length == 1 -%}
CASE difference WHEN 'URL codes' THEN decoded ELSE
near_key(CASE difference WHEN 'several of these' THEN plain ELSE parts END, difference) END
{%- else -%}
list_transform(parts, lambda part: near_key(part, difference))
{%- endif -%}
