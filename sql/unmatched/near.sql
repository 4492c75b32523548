{#- What is left of a key, or of each of its parts, without a difference. The part is a column of its own, as a macro
repeats its argument. -#}
{%- if keys | length == 1 -%}
near_key(part, difference)
{%- else -%}
list_transform(part, lambda one: near_key(one, difference))
{%- endif -%}
