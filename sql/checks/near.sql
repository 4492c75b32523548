{#- What is left of a key, or of each of its parts, without a difference. -#}
{%- if keys | length == 1 -%}
near_key(key, difference)
{%- else -%}
list_transform(from_json(key, '["VARCHAR"]'), lambda part: near_key(part, difference))
{%- endif -%}
