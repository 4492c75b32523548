-- bits_type(bits): the type of a column of text cells, from the OR of their cell_bits. A column without a value is text.
CREATE OR REPLACE TEMP MACRO bits_type(bits) AS
    CASE
        WHEN bits IS NULL OR bits & 8 > 0 OR (bits & 4 > 0 AND bits & 2 > 0) THEN 'VARCHAR'
        WHEN bits & 4 > 0 THEN 'DOUBLE'
        ELSE 'BIGINT'
    END;
