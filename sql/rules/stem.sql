-- stem(x): a file name without its last extension: a.tar.gz -> a.tar; .hidden, ..a and a. stay.
-- DuckDB's parse_filename(x, true) would make nothing of .hidden.
CREATE OR REPLACE TEMP MACRO stem(x) AS
    CASE
        WHEN regexp_full_match(x, '.*[^.].*\.[^.]+', 's') THEN regexp_replace(x, '\.[^.]+$', '')
        ELSE x
    END;
