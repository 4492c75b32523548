{#- Macros for the keys that rules make of several columns, their parts. -#}

{#- Return two columns: the texts of the parts that cells make, a list, and whether one of the cells cannot be a key. -#}
{%- macro part_texts(cells) -%}
[
        {%- for cell in cells %}
        key_text({{ cell.text | ident }}, {{ cell.type | ident }}){% if not loop.last %},{% endif %}
        {%- endfor %}
    ] AS texts,
    {% for cell in cells -%}
    key_fault({{ cell.text | ident }}, {{ cell.type | ident }}) IS NOT NULL{% if not loop.last %} OR {% endif %}
    {%- endfor %} AS is_fault
{%- endmacro -%}

{#- Return the list of the parts of a key that a rule makes of texts; parts are their numbers.
    Parameters: $normalize, $regexes (one per part, NULL for none; the first group is the part), $folds (without regard
    to case) -#}
{%- macro made_parts(parts) -%}
list_transform([
            {%- for part in parts %}
            make_key(texts[{{ part | number }}], $normalize, CAST($regexes AS VARCHAR[])[{{ part | number }}], 1)
            {%- if not loop.last %},{% endif %}
            {%- endfor %}
        ], lambda part: CASE WHEN $folds THEN fold_key(part) ELSE part END)
{%- endmacro -%}
