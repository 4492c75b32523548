-- base_name(x): what follows the last / or \, trailing separators ignored.
CREATE OR REPLACE TEMP MACRO base_name(x) AS
    regexp_extract(x, '([^/\\]*)[/\\]*$', 1);
