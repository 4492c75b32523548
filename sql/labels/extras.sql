{#- Return the value of an extra as the type that is stated for it writes it, NULL if it does not fit; of other extras,
    the text that the file holds. -#}
{%- macro stated_text(extra) -%}
{%- if extra.stated == 'BIGINT' -%}
whole_text({{ extra.text | ident }}, {{ extra.type | ident }})
{%- elif extra.stated == 'DOUBLE' -%}
double_text({{ extra.text | ident }}, {{ extra.type | ident }})
{%- elif extra.stated == 'BOOLEAN' -%}
boolean_text({{ extra.text | ident }}, {{ extra.type | ident }})
{%- else -%}
{{ extra.text | ident }}
{%- endif -%}
{%- endmacro -%}
