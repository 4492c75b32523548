{#- Macros of scores by what is known of their values: a large statement takes long to plan. A score has these columns,
    each made of the one before: its text and type, its text without white space (alias_trimmed), its number (alias_number)
    and its state. See the macros of rules/3_scores. -#}

{#- Return the text of a score without white space at its ends. That of a number has none. -#}
{%- macro trimmed(score) -%}
{%- if score.is_number %}{{ score.text | ident }}{% else %}trim_text({{ score.text | ident }}){% endif -%}
{%- endmacro -%}

{#- Return the number of a score. -#}
{%- macro number(score) -%}
{%- if score.is_number -%}
TRY_CAST({{ score.text | ident }} AS DOUBLE)
{%- elif score.is_text and not score.has_comma -%}
trimmed_number({{ (score.alias ~ '_trimmed') | ident }})
{%- else -%}
mos_number({{ score.text | ident }}, {{ score.type | ident }})
{%- endif -%}
{%- endmacro -%}

{#- Return the state of a score.
    Parameters: $missing_values -#}
{%- macro state(score) -%}
trimmed_state({{ (score.alias ~ '_trimmed') | ident }}, {{ (score.alias ~ '_number') | ident }}, $missing_values)
{%- endmacro -%}
