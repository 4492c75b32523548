-- From texts to the types of the columns that are written.

-- cell_bits(x): what a text cell may be typed as: a bit, of which a column takes the OR over all its cells.
--   1 a whole number           2 a whole number that a DOUBLE would round
--   4 another number           8 text
--  16 a whole number that is not written back as it was: -0
-- An empty cell is none of these. A whole number with a leading zero is an identifier: text. So is one that fits
-- neither BIGINT nor, exactly, DOUBLE. Spaces around a number are no part of it; with any other blank it is text, as for
-- whoever converts the cell. DuckDB's trim(x) would take the spaces of Unicode too. Most features have a point: they are
-- looked at first, and need one pattern.
CREATE OR REPLACE {{ TEMP }} MACRO cell_bits(x) AS
    CASE
        WHEN x IS NULL OR x = '' THEN NULL
        WHEN contains(x, '.') THEN
            CASE WHEN is_number_text(x) AND isfinite(TRY_CAST(x AS DOUBLE)) THEN 4 ELSE 8 END
        WHEN regexp_full_match(x, ' *-0 *') THEN 17
        WHEN regexp_full_match(x, ' *-?(0|[1-9][0-9]*) *') AND TRY_CAST(x AS BIGINT) IS NOT NULL THEN
            CASE WHEN is_exact_double(x) THEN 1 ELSE 2 END
        WHEN regexp_full_match(x, ' *[+-]?0[0-9]+ *') THEN 8
        WHEN regexp_full_match(x, ' *[+-]?[0-9]+ *') THEN CASE WHEN is_exact_double(x) THEN 4 ELSE 8 END
        WHEN regexp_full_match(x, ' *[+-]?(?i:nan|inf|infinity) *')
            OR (is_number_text(x) AND isfinite(TRY_CAST(x AS DOUBLE))) THEN 4
        ELSE 8
    END;

-- bits_with_point(x, type): the same of a cell whose numbers may have a decimal comma, and
--  32 a number with a point where a comma is expected
CREATE OR REPLACE {{ TEMP }} MACRO bits_with_point(x, type) AS
    CASE WHEN type = 'CSV,' AND contains(x, '.') AND is_number_text(x) THEN 32 ELSE cell_bits(with_point(x, type)) END;

-- has_points(bits): whether all cells of a column are numbers, and some have a point where a comma is expected.
CREATE OR REPLACE {{ TEMP }} MACRO has_points(bits) AS coalesce(bits & 32 > 0 AND bits & 8 = 0, false);

-- bits_type(bits): the type of a column of text cells, from the OR of their cell_bits. A column without a value is
-- text.
CREATE OR REPLACE {{ TEMP }} MACRO bits_type(bits) AS
    CASE
        WHEN bits IS NULL OR bits & 40 > 0 OR (bits & 4 > 0 AND bits & 2 > 0) THEN 'VARCHAR'
        WHEN bits & 4 > 0 THEN 'DOUBLE'
        ELSE 'BIGINT'
    END;

-- whole_text(text, type), double_text(text, type), boolean_text(text, type): the value of an extra as its stated type
-- (BIGINT, DOUBLE, BOOLEAN) writes it; NULL if it has none, or one that does not fit. A whole number may be stored as
-- float: 24.0 is 24. One that a DOUBLE would round does not fit DOUBLE.
CREATE OR REPLACE {{ TEMP }} MACRO whole_text(text, type) AS
    CASE
        WHEN is_float_type(type) OR is_decimal_type(type) THEN
            CASE WHEN key_fault(text, type) IS NULL THEN CAST(TRY_CAST(key_text(text, type) AS BIGINT) AS VARCHAR) END
        WHEN NOT (is_text_type(type) OR is_whole_type(type)) THEN NULL
        WHEN cell_bits(trim_text(text)) IN (1, 2) THEN trim_text(text)
        WHEN cell_bits(trim_text(text)) = 4 AND (
            regexp_full_match(trim_text(text), '[+-]?[0-9]+(\.0*)?')
            OR (abs(TRY_CAST(trim_text(text) AS DOUBLE)) < 1e15
                AND TRY_CAST(trim_text(text) AS DOUBLE) = trunc(TRY_CAST(trim_text(text) AS DOUBLE))))
            THEN CAST(TRY_CAST(trim_text(text) AS BIGINT) AS VARCHAR)
    END;
CREATE OR REPLACE {{ TEMP }} MACRO double_text(text, type) AS
    CASE
        WHEN is_float_type(type) THEN text
        WHEN (is_text_type(type) OR is_number_type(type)) AND cell_bits(trim_text(text)) IN (1, 4) THEN trim_text(text)
    END;
CREATE OR REPLACE {{ TEMP }} MACRO boolean_text(text, type) AS
    CASE
        WHEN (is_text_type(type) OR type = 'BOOLEAN') AND lower(trim_text(text)) IN ('true', 'false')
            THEN lower(trim_text(text))
        ELSE CASE whole_text(text, type) WHEN '1' THEN 'true' WHEN '0' THEN 'false' END
    END;
