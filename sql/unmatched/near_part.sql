{#- What of a key a difference is left out of: near.sql takes it as part. -#}
{%- if keys | length == 1 -%}
CASE difference WHEN 'URL codes' THEN decoded WHEN 'several of these' THEN plain ELSE parts END
{%- else -%}
parts
{%- endif -%}
