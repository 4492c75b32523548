-- Returns one row per column in suggest_values: rows, rows that hold something (filled), different values, values that
-- cannot be a key (faults), the part of the values that are whole numbers (whole) and other numbers (fractional).
SELECT
    file,
    place,
    CAST(sum(rows) AS BIGINT) AS rows,
    CAST(coalesce(sum(rows) FILTER (WHERE text IS NOT NULL), 0) AS BIGINT) AS filled,
    count(DISTINCT text) AS different,
    count(*) FILTER (WHERE is_fault) AS faults,
    coalesce(avg(CAST(is_whole_text(text) AS INTEGER)), 0) AS whole,
    coalesce(avg(CAST(regexp_full_match(text, '[+-]?[0-9]*\.[0-9]*[1-9][0-9]*|[+-]?[0-9.]+[eE][+-]?[0-9]+')
        AS INTEGER)), 0) AS fractional
FROM suggest_values
GROUP BY file, place
ORDER BY file, place;
