-- How the members of the objects of a JSON lines file are built: one row per member and different structure (such as
-- "DOUBLE" or ["VARCHAR"]), the first that occurs first. Types come from every row; none is guessed from a text.
-- Parameters: $path
SELECT member.key AS member, member.value AS structure
FROM (
    SELECT json_structure(line) AS structure, min(row) AS first_row
    FROM ({% include 'sources/jsonl.sql' %})
    GROUP BY structure
) AS lines, json_each(lines.structure) AS member
GROUP BY member.key, member.value
ORDER BY min(first_row), member.value;
