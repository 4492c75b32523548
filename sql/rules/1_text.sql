-- Texts, and the one pattern for each kind of number and of type that the other rules and statements use. The type of a
-- value is DuckDB's name of it; that of a cell of a CSV file is CSV, or 'CSV,' if its numbers have a decimal comma.

-- trim_text(x): x without the white space at its ends. DuckDB's own trim(x) takes spaces only, and trimming a set of
-- characters is slow: a text that begins and ends in a printable ASCII character is returned at once.
CREATE OR REPLACE {{ TEMP }} MACRO trim_text(x) AS
    CASE WHEN unicode(x) BETWEEN 33 AND 126 AND unicode(x[-1]) BETWEEN 33 AND 126 THEN x ELSE trim(x, white_space()) END;

-- is_too_long(text): whether a text is too long for a key. cut_text(text): the beginning of such a text, for messages.
CREATE OR REPLACE {{ TEMP }} MACRO is_too_long(text) AS strlen(text) > 65536;
CREATE OR REPLACE {{ TEMP }} MACRO cut_text(text) AS CASE WHEN is_too_long(text) THEN left(text, 1000) ELSE text END;

-- is_whole_text(text): whether a text is a whole number in digits alone. is_number_text(text): whether it is written as
-- a plain number, spaces around it aside: TRY_CAST alone would also take 1_000, nan and inf.
CREATE OR REPLACE {{ TEMP }} MACRO is_whole_text(text) AS regexp_full_match(text, '-?[0-9]+');
CREATE OR REPLACE {{ TEMP }} MACRO is_number_text(text) AS
    regexp_full_match(text, ' *[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)? *');

-- is_exact_double(text): whether a DOUBLE holds a whole number exactly; NULL if it has too many digits to tell.
CREATE OR REPLACE {{ TEMP }} MACRO is_exact_double(text) AS
    TRY_CAST(text AS HUGEINT) = TRY_CAST(TRY_CAST(text AS DOUBLE) AS HUGEINT);

-- is_text_type(type), …: what kind of values a type has.
CREATE OR REPLACE {{ TEMP }} MACRO is_csv_type(type) AS type IN ('CSV', 'CSV,');
CREATE OR REPLACE {{ TEMP }} MACRO is_text_type(type) AS is_csv_type(type) OR type = 'VARCHAR';
CREATE OR REPLACE {{ TEMP }} MACRO is_whole_type(type) AS regexp_full_match(type, 'U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER');
CREATE OR REPLACE {{ TEMP }} MACRO is_float_type(type) AS type IN ('FLOAT', 'DOUBLE');
CREATE OR REPLACE {{ TEMP }} MACRO is_decimal_type(type) AS regexp_full_match(type, 'DECIMAL\(.*\)');
CREATE OR REPLACE {{ TEMP }} MACRO is_number_type(type) AS
    is_float_type(type) OR is_whole_type(type) OR is_decimal_type(type);

-- with_point(text, type): a text in which a number is written with a point. Comma and point change places, so that what
-- has a point where a comma is expected (3.5 or 1.234,5) is not a number.
CREATE OR REPLACE {{ TEMP }} MACRO with_point(text, type) AS
    CASE WHEN type = 'CSV,' THEN translate(text, ',.', '.,') ELSE text END;
