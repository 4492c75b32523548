-- Returns how the members of the objects of a JSON lines file are built: one row per member and different structure
-- (such as "DOUBLE" or ["VARCHAR"]) with its first row, the first that occurs first. Types come from every row; none is
-- guessed from a text. The structure of a row becomes a row per member, where it is another than that of the row
-- before: no different structures of whole rows are kept. A window without an order is passed through row by row.
-- Parameters: $path, $compression
{%- from 'sources/jsonl.sql' import objects %}
SELECT member, structure, min(row) AS row
FROM (
    SELECT row, unnest(json_keys(structures)) AS member, unnest(json_extract(structures, '$.*')) AS structure
    FROM (
        SELECT row, structures, lag(structures) OVER () AS structures_before
        FROM (
            SELECT row, json_structure(line) AS structures
            FROM ({{ objects([]) }})
        )
    )
    WHERE structures IS DISTINCT FROM structures_before
)
GROUP BY member, structure
ORDER BY min(row), structure;
