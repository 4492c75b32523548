{#- The rows of cells with what sources/key makes a key of: each key column trimmed, then normalised. A macro repeats its
    argument wherever it uses it; columns keep the statement small, which DuckDB would otherwise take long to plan.
    Parameters: $normalize: a list with an entry per key column -#}
SELECT
    *
    {%- for cell in keys %},
    normalize_key({{ (cell.alias ~ '_trimmed') | ident }}, $normalize[{{ loop.index | number }}]) AS {{ (cell.alias ~ '_part') | ident }}
    {%- endfor %}
FROM (
    SELECT
        *
        {%- for cell in keys %},
        trim_text({{ (cell.alias ~ '_key_text') | ident }}) AS {{ (cell.alias ~ '_trimmed') | ident }}
        {%- endfor %}
    FROM (
        SELECT
            *
            {%- for cell in keys %},
            key_text({{ cell.text | ident }}, {{ cell.type | ident }}) AS {{ (cell.alias ~ '_key_text') | ident }}
            {%- endfor %}
        FROM cells
    )
)
