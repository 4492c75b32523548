{#- What closes near_parts.sql. -#}
{%- if keys | length == 1 %}))))){% endif -%}
