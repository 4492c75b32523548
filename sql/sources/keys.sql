{#- The keys of rows, from the texts and types of their key columns. -#}

{#- Return a relation with these columns beside its own: the steps of each key column (alias_fault, alias_as_text,
    alias_trimmed, alias_normalised, alias_extracted); what the key columns hold (raw_value; of several, their JSON
    list); why one of them cannot be a part of a key (key_fault) and which (fault_part, from 1); and the key. A macro of
    DuckDB repeats its argument wherever it uses it, so a step is a column, from which the next is made: a large
    statement takes long to plan.
    Parameters: $normalize, $regex, $capture: a list each, with an entry per key column -#}
{%- macro keyed(relation, keys) -%}
SELECT
    *,
    {%- if keys | length == 1 %}
    cut_text({{ keys[0].text | ident }}) AS raw_value,
    {{ (keys[0].alias ~ '_extracted') | ident }} AS key,
    {%- else %}
    CAST(to_json([
        {%- for cell in keys %}cut_text({{ cell.text | ident }}){% if not loop.last %}, {% endif %}{% endfor -%}
    ]) AS VARCHAR) AS raw_value,
    compound_key([
        {%- for cell in keys %}{{ (cell.alias ~ '_extracted') | ident }}{% if not loop.last %}, {% endif %}{% endfor -%}
    ]) AS key,
    {%- endif %}
    coalesce(
        {%- for cell in keys %}{{ (cell.alias ~ '_fault') | ident }}{% if not loop.last %}, {% endif %}{% endfor -%}
    ) AS key_fault,
    CASE
        {%- for cell in keys %}
        WHEN {{ (cell.alias ~ '_fault') | ident }} IS NOT NULL THEN {{ loop.index | number }}
        {%- endfor %}
    END AS fault_part
FROM (
    SELECT
        *
        {%- for cell in keys %},
        extract_key(
            {{ (cell.alias ~ '_normalised') | ident }}, CAST($regex[{{ loop.index | number }}] AS VARCHAR),
            $capture[{{ loop.index | number }}]) AS {{ (cell.alias ~ '_extracted') | ident }}
        {%- endfor %}
    FROM (
        SELECT
            *
            {%- for cell in keys %},
            normalize_key({{ (cell.alias ~ '_trimmed') | ident }}, $normalize[{{ loop.index | number }}])
                AS {{ (cell.alias ~ '_normalised') | ident }}
            {%- endfor %}
        FROM (
            SELECT
                *
                {%- for cell in keys %},
                trim_text({{ (cell.alias ~ '_as_text') | ident }}) AS {{ (cell.alias ~ '_trimmed') | ident }}
                {%- endfor %}
            FROM (
                SELECT
                    *
                    {%- for cell in keys %},
                    key_fault({{ cell.text | ident }}, {{ cell.type | ident }}) AS {{ (cell.alias ~ '_fault') | ident }},
                    key_text({{ cell.text | ident }}, {{ cell.type | ident }}) AS {{ (cell.alias ~ '_as_text') | ident }}
                    {%- endfor %}
                FROM {{ relation | ident }}
            )
        )
    )
)
{%- endmacro -%}
