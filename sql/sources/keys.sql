{#- The keys of rows, from the texts and types of their key columns. -#}

{#- Return a relation with the texts and types of constants beside its own columns: parts of a key without a column. -#}
{%- macro with_constants(relation, key) -%}
SELECT
    *
    {%- for part in key.constants %},
    {{ part.constant | text }} AS {{ part.text | ident }}, 'VARCHAR' AS {{ part.type | ident }}
    {%- endfor %}
FROM ({{ relation }})
{%- endmacro -%}

{#- Return the part of a trimmed key text that counts. -#}
{%- macro normalised(trimmed, normalize) -%}
{%- if normalize == 'raw' -%}{{ trimmed }}
{%- elif normalize == 'basename' -%}base_name({{ trimmed }})
{%- else -%}stem(base_name({{ trimmed }}))
{%- endif -%}
{%- endmacro -%}

{#- Return the column of the normalised text of a part: of raw text that is the trimmed text. -#}
{%- macro normal_text(part, normalize) -%}
{{ (part.alias ~ ('_trimmed' if normalize == 'raw' else '_normalised')) | ident }}
{%- endmacro -%}

{#- Return the text of a key column as messages show it: the beginning of one that is too long. -#}
{%- macro shown_text(cell, all_fit) -%}
{%- if all_fit -%}{{ cell.text | ident }}{%- else -%}cut_text({{ cell.text | ident }}){%- endif -%}
{%- endmacro -%}

{#- Return a relation with these columns beside its own: the steps of each key column (alias_fault and alias_as_text, unless
    all fit, and alias_trimmed) and of each part of the key (alias_trimmed, alias_normalised unless all are raw,
    alias_extracted, and alias_folded if case does not count); what the key columns hold (raw_value; of several, their JSON
    list); why one of them cannot be a part of a key (key_fault) and which (fault_part, from 1); and the key. A key column
    is a part, or a template makes one part of them all, which is missing if one of them is. A macro of DuckDB repeats its
    argument wherever it uses it, so a step is a column, from which the next is made: a large statement takes long to plan.
    For the same reason it has no step that no part takes. It is told whether all values are known to fit (all_fit): they
    are whole numbers, and texts that are not too long.
    Parameters: $regex, $capture: a list each, with an entry per part, if one of them has a pattern -#}
{%- macro keyed(relation, key, all_fit=false) -%}
{%- set last = '_folded' if key.folds else '_extracted' -%}
SELECT
    *,
    {%- if key.keys | length == 1 %}
    {{ shown_text(key.keys[0], all_fit) }} AS raw_value,
    {%- else %}
    CAST(to_json([
        {%- for cell in key.keys %}{{ shown_text(cell, all_fit) }}{% if not loop.last %}, {% endif %}{% endfor -%}
    ]) AS VARCHAR) AS raw_value,
    {%- endif %}
    {%- if key.parts | length == 1 %}
    {{ (key.parts[0].alias ~ last) | ident }} AS key,
    {%- else %}
    compound_key([
        {%- for part in key.parts %}{{ (part.alias ~ last) | ident }}{% if not loop.last %}, {% endif %}{% endfor -%}
    ]) AS key,
    {%- endif %}
    {%- if all_fit %}
    CAST(NULL AS VARCHAR) AS key_fault, CAST(NULL AS INTEGER) AS fault_part
    {%- else %}
    coalesce(
        {%- for cell in key.keys %}{{ (cell.alias ~ '_fault') | ident }}{% if not loop.last %}, {% endif %}{% endfor -%}
    ) AS key_fault,
    CASE
        {%- for cell in key.keys %}
        WHEN {{ (cell.alias ~ '_fault') | ident }} IS NOT NULL THEN {{ loop.index | number }}
        {%- endfor %}
    END AS fault_part
    {%- endif %}
FROM (
    {%- if key.folds %}
    SELECT
        *
        {%- for part in key.parts %},
        fold_key({{ (part.alias ~ '_extracted') | ident }}) AS {{ (part.alias ~ '_folded') | ident }}
        {%- endfor %}
    FROM (
    {%- endif %}
    SELECT
        *
        {%- for part in key.parts %},
        {% if key.regexes[loop.index0] is none and key.normalize[loop.index0] == 'raw' and key.template is none -%}
        NULLIF({{ normal_text(part, key.normalize[loop.index0]) }}, '')
        {%- elif key.regexes[loop.index0] is none -%}
        non_empty({{ normal_text(part, key.normalize[loop.index0]) }})
        {%- else -%}
        extract_key(
            {{ normal_text(part, key.normalize[loop.index0]) }}, $regex[{{ loop.index | number }}],
            $capture[{{ loop.index | number }}])
        {%- endif %} AS {{ (part.alias ~ '_extracted') | ident }}
        {%- endfor %}
    FROM (
        {%- if not key.is_raw %}
        SELECT
            *
            {%- for part in key.parts %},
            {{ normalised((part.alias ~ '_trimmed') | ident, key.normalize[loop.index0]) }}
                AS {{ (part.alias ~ '_normalised') | ident }}
            {%- endfor %}
        FROM (
        {%- endif %}
            {%- if key.template is not none %}
            SELECT
                *,
                {% for text, cell in key.pieces -%}
                {{ text | text }}
                {%- if cell is not none %} || NULLIF({{ (cell.alias ~ '_trimmed') | ident }}, '') || {% endif %}
                {%- endfor %} AS key_trimmed
            FROM (
            {%- endif %}
            SELECT
                *
                {%- for cell in key.keys %},
                trim_text({{ (cell.text if all_fit else cell.alias ~ '_as_text') | ident }})
                    AS {{ (cell.alias ~ '_trimmed') | ident }}
                {%- endfor %}
            {%- if all_fit %}
            FROM {{ relation | ident }}
            {%- else %}
            FROM (
                SELECT
                    *
                    {%- for cell in key.keys %},
                    {% if cell.is_text -%}
                    text_fault({{ cell.text | ident }}) AS {{ (cell.alias ~ '_fault') | ident }},
                    short_text({{ cell.text | ident }}) AS {{ (cell.alias ~ '_as_text') | ident }}
                    {%- else -%}
                    key_fault({{ cell.text | ident }}, {{ cell.type | ident }}) AS {{ (cell.alias ~ '_fault') | ident }},
                    key_text({{ cell.text | ident }}, {{ cell.type | ident }}) AS {{ (cell.alias ~ '_as_text') | ident }}
                    {%- endif %}
                    {%- endfor %}
                FROM {{ relation | ident }}
            )
            {%- endif %}
            {%- if key.template is not none %}
            )
            {%- endif %}
        {%- if not key.is_raw %}
        )
        {%- endif %}
    )
    {%- if key.folds %}
    )
    {%- endif %}
)
{%- endmacro -%}
