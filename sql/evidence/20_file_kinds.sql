-- Returns one row per file: what it is (audit or report), NULL if it is neither.
SELECT path, kind FROM files LEFT JOIN documents USING (path) ORDER BY path;
