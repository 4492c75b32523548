-- csv_cell(x, special): a text as a cell of a CSV file, quoted where it matches the pattern special or is empty;
-- NULL is an empty cell.
CREATE OR REPLACE TEMP MACRO csv_cell(x, special) AS
    CASE
        WHEN x IS NULL THEN ''
        WHEN x = '' OR regexp_matches(x, special) THEN '"' || replace(x, '"', '""') || '"'
        ELSE x
    END;
