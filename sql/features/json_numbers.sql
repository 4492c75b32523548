-- Numbers that would not survive typing: whole numbers beyond BIGINT anywhere, or not exact as DOUBLE in a column that
-- also holds fractions, and numbers beyond DOUBLE. The first of them, with the row, and the column where it matters
-- (else NULL).
-- Parameters: $path, $pointers (of the columns that are DOUBLE or hold one), $names (theirs)
WITH lines AS (
    SELECT *
    FROM ({% include 'sources/jsonl.sql' %})
    WHERE regexp_matches(line, '[\[:,\s-][0-9]{16,}\s*[,}\]]|[0-9][eE]\+?[0-9]{3}|[0-9]{300}')
), numbers AS (
    SELECT row, CAST(NULL AS VARCHAR) AS "column",
        unnest(regexp_extract_all(without_texts(line), '-?[0-9][0-9.eE+-]*')) AS number
    FROM lines
    {%- for cell in cells %}
    UNION ALL
    SELECT row, CAST($names AS VARCHAR[])[{{ loop.index | number }}],
        unnest(regexp_extract_all(without_texts({{ cell.value | ident }}),
            '-?[0-9][0-9.eE+-]*'))
    FROM lines
    {%- endfor %}
)
SELECT row, number, "column"
FROM numbers
WHERE coalesce(isinf(TRY_CAST(number AS DOUBLE)), true) OR (
    regexp_full_match(number, '-?[0-9]+') AND (
        TRY_CAST(number AS BIGINT) IS NULL
        OR ("column" IS NOT NULL AND TRY_CAST(number AS HUGEINT) <> TRY_CAST(TRY_CAST(number AS DOUBLE) AS HUGEINT))))
ORDER BY row
LIMIT 1;
