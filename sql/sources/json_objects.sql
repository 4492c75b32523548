-- Returns what the objects of a JSON lines file are: one row: members (the names of their members, the first that
-- occurs first), fault (NULL, or row and words of the first row that is not an object, or has one member twice), faults
-- (how many rows have one), is_nested (whether objects may stand inside of objects: those are left to
-- json_inner_fault).
-- Parameters: $path, $compression
{%- from 'sources/jsonl.sql' import objects %}
WITH named AS (
    SELECT row, line, json_keys(CASE WHEN json_valid(line) THEN line END) AS names
    FROM ({{ objects([]) }})
), changes AS (
    -- Most lines have the names of the line before: only the others are looked at. A window without an order is passed
    -- through row by row.
    SELECT *, names IS DISTINCT FROM lag(names) OVER () AS is_new
    FROM named
), lines AS (
    -- The last look, which a line has in its last bit.
    SELECT
        row, line, CASE WHEN is_new THEN names END AS new_names,
        max(CASE WHEN is_new THEN 2 * row + CAST(len(names) <> list_unique(names) AS INTEGER) END)
            OVER (ROWS UNBOUNDED PRECEDING) % 2 = 1 AS has_twice
    FROM changes
), judged AS (
    SELECT row, new_names, json_fault(line, has_twice) AS fault, may_hold_object(line) AS is_nested
    FROM lines
), names AS (
    SELECT
        new_names,
        min(row) AS row,
        min({'row': row, 'fault': fault}) FILTER (WHERE fault IS NOT NULL) AS fault,
        count(fault) AS faults,
        bool_or(is_nested) AS is_nested
    FROM judged
    GROUP BY new_names
), members AS (
    SELECT member, min(row * 16777216 + place) AS place  -- A line of 64 MiB has fewer members.
    FROM (SELECT row, unnest(new_names) AS member, generate_subscripts(new_names, 1) AS place FROM names)
    GROUP BY member
)
SELECT
    coalesce((SELECT list(member ORDER BY place) FROM members), []) AS members,
    min(fault) AS fault,
    coalesce(sum(faults), 0) AS faults,
    coalesce(bool_or(is_nested), false) AS is_nested
FROM names;
