-- compound_key(parts): the key of several parts: their JSON list, so that a, bc is not ab, c. None where a part is missing.
CREATE OR REPLACE TEMP MACRO compound_key(parts) AS
    CASE WHEN len(list_filter(parts, lambda part: part IS NULL)) = 0 THEN CAST(to_json(parts) AS VARCHAR) END;
