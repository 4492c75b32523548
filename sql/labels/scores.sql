{#- Return the number of a score, see mos_number: a large statement takes long to plan, and most scores are texts. -#}
{%- macro number(score) -%}
{%- if score.is_text and not score.has_comma -%}
text_number({{ score.text | ident }})
{%- else -%}
mos_number({{ score.text | ident }}, {{ score.type | ident }})
{%- endif -%}
{%- endmacro -%}
