-- Returns one row per extra: the types of its values in the label files, and the type that they all fit, NULL if no
-- label has a value. A type that is stated holds. Else one type alone is kept; cells of CSV and numbers are typed by
-- all their values; all else is text.
SELECT extra, types, CASE
    WHEN len(types) = 0 THEN NULL
    WHEN stated IS NOT NULL THEN stated
    WHEN len(types) = 1 AND types[1] NOT IN ('CSV', 'BIGINT', 'DOUBLE') THEN types[1]
    WHEN len(list_filter(types, lambda type: type <> 'CSV' AND NOT is_number_type(type))) > 0 THEN 'VARCHAR'
    WHEN bits_type(bits) = 'BIGINT' AND list_contains(types, 'DOUBLE') THEN 'DOUBLE'
    ELSE bits_type(bits)
END AS sql_type
FROM (
    {%- for extra in extras %}
    {% if not loop.first %}UNION ALL {% endif %}SELECT
        {{ loop.index0 | number }} AS extra,
        coalesce(list(DISTINCT {{ extra.type | ident }} ORDER BY {{ extra.type | ident }})
            FILTER (WHERE {{ extra.text | ident }} IS NOT NULL), []) AS types,
        {% if extra.stated %}NULL{% else %}bit_or(cell_bits({{ extra.text | ident }})){% endif %} AS bits,
        {% if extra.stated %}{{ extra.stated | text }}{% else %}NULL{% endif %} AS stated
    FROM label_scores
    {%- endfor %}
)
ORDER BY extra;
