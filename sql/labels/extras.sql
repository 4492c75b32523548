{#- Return the value of an extra as the type that is stated for it writes it, NULL if it does not fit; of other extras,
    the text that the file holds. -#}
{%- macro stated_text(extra) -%}
{%- if extra.stated == 'BIGINT' -%}
whole_text(with_point({{ extra.text | ident }}, {{ extra.type | ident }}), {{ extra.type | ident }})
{%- elif extra.stated == 'DOUBLE' -%}
double_text(with_point({{ extra.text | ident }}, {{ extra.type | ident }}), {{ extra.type | ident }})
{%- elif extra.stated == 'BOOLEAN' -%}
boolean_text(with_point({{ extra.text | ident }}, {{ extra.type | ident }}), {{ extra.type | ident }})
{%- else -%}
{{ extra.text | ident }}
{%- endif -%}
{%- endmacro -%}

{#- Return the text of an extra as its type reads it, from a row of label_scores. -#}
{%- macro typed_text(extra) -%}
{%- if extra.stated or extra.sql_type == 'VARCHAR' -%}
label_scores.{{ extra.text | ident }}
{%- else -%}
with_point(label_scores.{{ extra.text | ident }}, label_scores.{{ extra.type | ident }})
{%- endif -%}
{%- endmacro -%}
