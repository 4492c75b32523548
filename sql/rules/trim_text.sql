-- trim_text(x): x without the white space at its ends. DuckDB's own trim(x) takes spaces only.
CREATE OR REPLACE TEMP MACRO trim_text(x) AS
    trim(x, getvariable('white_space'));
