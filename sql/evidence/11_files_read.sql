-- Adds files to files.
-- Parameters: $paths, $modified (microseconds since 1970, UTC), $texts: lists of one length
INSERT INTO files
SELECT path, make_timestamp(modified), text
FROM (
    SELECT
        unnest(CAST($paths AS VARCHAR[])) AS path,
        unnest(CAST($modified AS BIGINT[])) AS modified,
        unnest(CAST($texts AS VARCHAR[])) AS text
);
