{#- The value of an extra as its stated type writes it, see rules/stated_text. -#}
{%- if extra.stated == 'BIGINT' -%}
whole_text({{ extra.text | ident }}, {{ extra.type | ident }})
{%- elif extra.stated == 'DOUBLE' -%}
double_text({{ extra.text | ident }}, {{ extra.type | ident }})
{%- elif extra.stated == 'BOOLEAN' -%}
boolean_text({{ extra.text | ident }}, {{ extra.type | ident }})
{%- else -%}
{{ extra.text | ident }}
{%- endif -%}
