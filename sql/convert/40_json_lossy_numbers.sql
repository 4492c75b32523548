-- Returns the first number of a JSON lines file that would not survive typing, with its row and its column, or no row:
-- a whole number beyond BIGINT anywhere, or not exact as DOUBLE in a column that also holds fractions; and a number
-- beyond DOUBLE. A row becomes a row per member, so that one expression serves thousands of columns.
-- Parameters: $path, $compression, $names (of the columns that are typed), $fractional (for each, whether it is DOUBLE
-- or holds one)
{%- from 'sources/jsonl.sql' import objects %}
WITH columns AS (
    SELECT unnest(CAST($names AS VARCHAR[])) AS "column", unnest(CAST($fractional AS BOOLEAN[])) AS is_fractional
), members AS (
    SELECT
        row, unnest(json_keys(line)) AS "column", unnest(json_extract(line, '$.*')) AS cell,
        generate_subscripts(json_keys(line), 1) AS place
    FROM ({{ objects([]) }})
    WHERE regexp_matches(line, '[\[:,\s-][0-9]{16,}\s*[,}\]]|[0-9][eE]\+?[0-9]{3}|[0-9]{300}')
), numbers AS (
    SELECT
        row, place, "column", is_fractional, unnest(numbers) AS number, generate_subscripts(numbers, 1) AS number_place
    FROM (
        SELECT *, regexp_extract_all(without_texts(cell), '-?[0-9][0-9.eE+-]*') AS numbers
        FROM members JOIN columns USING ("column")
    )
)
SELECT row, number, "column"
FROM numbers
WHERE coalesce(isinf(TRY_CAST(number AS DOUBLE)), true) OR (
    is_whole_text(number) AND (
        TRY_CAST(number AS BIGINT) IS NULL
        OR (is_fractional AND NOT is_exact_double(number))))
ORDER BY row, place, number_place
LIMIT 1;
