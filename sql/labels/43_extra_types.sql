-- Returns one row per extra: the types of its values in the label files, and the type that they all fit, NULL if no
-- label has a value; and the first number with a point in a column of numbers with a decimal comma. A type that is
-- stated holds. Else one type alone is kept; cells of CSV and numbers are typed by all their values; all else is text.
SELECT extra, types, CASE
    WHEN len(types) = 0 THEN NULL
    WHEN stated IS NOT NULL THEN stated
    WHEN len(types) = 1 AND types[1] NOT IN ('CSV', 'CSV,', 'BIGINT', 'DOUBLE') THEN types[1]
    WHEN len(list_filter(types, lambda type: NOT is_csv_type(type) AND NOT is_number_type(type))) > 0 THEN 'VARCHAR'
    WHEN bits_type(bits) = 'BIGINT' AND list_contains(types, 'DOUBLE') THEN 'DOUBLE'
    ELSE bits_type(bits)
END AS sql_type, CASE WHEN has_points(bits) THEN pointed END AS pointed
FROM (
    {%- for extra in extras %}
    {% if not loop.first %}UNION ALL {% endif %}SELECT
        {{ loop.index0 | number }} AS extra,
        coalesce(list(DISTINCT {{ extra.type | ident }} ORDER BY {{ extra.type | ident }})
            FILTER (WHERE {{ extra.text | ident }} IS NOT NULL), []) AS types,
        {% if extra.stated %}NULL{% else %}bit_or(bits_with_point({{ extra.text | ident }}, {{ extra.type | ident }})){% endif %} AS bits,
        {% if extra.stated %}NULL{% else %}arg_min({'file': file, 'row': row, 'text': {{ extra.text | ident }}}, (file, row))
            FILTER (WHERE bits_with_point({{ extra.text | ident }}, {{ extra.type | ident }}) = 32){% endif %} AS pointed,
        {% if extra.stated %}{{ extra.stated | text }}{% else %}NULL{% endif %} AS stated
    FROM label_scores
    {%- endfor %}
)
ORDER BY extra;
