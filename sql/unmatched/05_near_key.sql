-- What two keys of one clip may differ by, by accident. Nothing is matched by it: it explains why keys did not meet.
-- Most keys need no pattern, so a cheap look comes first.

-- extension: a pattern of the extension of a file name: a letter first, so that .94fps_h264 is not one.
SET VARIABLE extension = '\.[A-Za-z][A-Za-z0-9]{0,4}$';
CREATE OR REPLACE TEMP MACRO without_extension(key) AS
    CASE WHEN contains(right(key, 6), '.') THEN regexp_replace(key, getvariable('extension'), '') ELSE key END;
CREATE OR REPLACE TEMP MACRO one_extension(key, stem) AS
    CASE WHEN ends_with(stem, substr(key, length(stem) + 1)) THEN stem ELSE key END;
CREATE OR REPLACE TEMP MACRO with_one_extension(key) AS one_extension(key, without_extension(key));
CREATE OR REPLACE TEMP MACRO without_folder(key) AS
    CASE WHEN contains(key, '/') OR contains(key, '\') THEN base_name(key) ELSE key END;
CREATE OR REPLACE TEMP MACRO without_leading_zeros(key) AS
    CASE WHEN contains(key, '0') THEN regexp_replace(key, '(^|[^0-9])0+([0-9])', '\1\2', 'g') ELSE key END;
CREATE OR REPLACE TEMP MACRO without_separators(key) AS
    replace(replace(replace(replace(key, ' ', ''), '_', ''), '.', ''), '-', '');
CREATE OR REPLACE TEMP MACRO without_quotes(key) AS CASE
    WHEN contains('"''`“”„‘’«»', left(key, 1)) AND contains('"''`“”‘’«»', right(key, 1)) AND length(key) > 2
        THEN substr(key, 2, length(key) - 2)
    ELSE key END;
-- Codes of characters beyond ASCII. url_decode fails at other such codes; a TRY gives wrong texts in DuckDB 1.5.
SET VARIABLE url_characters = replace(replace('(?i)%C[2-9A-F]@|%D.@|%E0%[AB].@|%E[1-9A-CEF]@@|%ED%[89].@'
    || '|%F0%[9AB].@@|%F[1-3]@@@|%F4%8.@@', '@', '%[89AB].'), '.', '[0-9A-F]');
CREATE OR REPLACE TEMP MACRO without_url_codes(key) AS CASE
    WHEN NOT contains(key, '%') OR regexp_matches(
        regexp_replace(key, getvariable('url_characters'), '_', 'g'), '%[89A-Fa-f][0-9A-Fa-f]') THEN key
    ELSE url_decode(key) END;
-- Control and format characters (U+FEFF, zero width, soft hyphen, direction) and the selectors of a variant.
CREATE OR REPLACE TEMP MACRO without_invisible(key) AS CASE
    WHEN strlen(key) = length(key) AND NOT regexp_matches(key, '[\x00-\x1F\x7F]') THEN key
    ELSE regexp_replace(key, '[\p{Cc}\p{Cf}\x{FE00}-\x{FE0F}]', '', 'g') END;

-- What NFKC does to the characters that ids are made of, for which DuckDB has no function: full-width ASCII, other
-- digits; also dashes, curly quotes and spaces.
SET VARIABLE odd_characters = array_to_string(list_transform(
    range(65281, 65375) || range(1632, 1642) || range(1776, 1786) || range(2406, 2416) || range(8320, 8330)
    || [8304, 185, 178, 179] || range(8308, 8314)
    || range(8208, 8214) || [8722, 8216, 8217, 8220, 8221, 160, 8239, 8287, 12288] || range(8192, 8203),
    lambda code: chr(code::INTEGER)), '');
SET VARIABLE plain_characters = array_to_string(list_transform(range(33, 127), lambda code: chr(code::INTEGER)), '')
    || repeat('0123456789', 5) || '------' || '-''''""' || repeat(' ', 15);
CREATE OR REPLACE TEMP MACRO with_plain_characters(key) AS CASE
    WHEN strlen(key) = length(key) THEN key
    ELSE translate(key, getvariable('odd_characters'), getvariable('plain_characters')) END;

-- A whole number of many digits. One in scientific notation: how many decimals it shows, its exponent, whether that
-- hides some of its digits.
CREATE OR REPLACE TEMP MACRO is_long_number(key) AS regexp_full_match(key, '[1-9][0-9]{4,20}');
CREATE OR REPLACE TEMP MACRO is_scientific(key) AS regexp_full_match(key, '[1-9]([.][0-9]+)?[eE][+]?[0-9]{1,2}');
CREATE OR REPLACE TEMP MACRO scientific_decimals(key) AS length(regexp_extract(key, '[.]([0-9]+)', 1));
CREATE OR REPLACE TEMP MACRO whole_exponent(key) AS
    CASE WHEN is_scientific(key) THEN TRY_CAST(regexp_extract(key, '[0-9]+$') AS INTEGER) ELSE length(key) - 1 END;
CREATE OR REPLACE TEMP MACRO has_lost_digits(key) AS
    is_scientific(key) AND whole_exponent(key) BETWEEN greatest(4, scientific_decimals(key) + 1) AND 20;
-- The number, rounded to decimals of that notation; and in digits alone if it has a point, an exponent, a sign or marks
-- of thousands.
CREATE OR REPLACE TEMP MACRO rounded_number(key, decimals) AS
    round(TRY_CAST(key AS DOUBLE) / power(10, whole_exponent(key) - decimals)) * power(10, whole_exponent(key) - decimals);
CREATE OR REPLACE TEMP MACRO with_digits_alone(key) AS CASE
    WHEN NOT regexp_full_match(key, '[+]?[0-9][0-9.,eE+]*') THEN key
    WHEN regexp_full_match(key, '[+]?[0-9]+([.]0*)?|[1-9][0-9]{0,2}(,[0-9]{3})+')
        THEN regexp_replace(regexp_replace(key, '[.]0*$', ''), '[+,]', '', 'g')
    WHEN is_scientific(key) AND NOT has_lost_digits(key)
        AND TRY_CAST(key AS DECIMAL(38, 9)) = TRY_CAST(TRY_CAST(key AS DECIMAL(38, 0)) AS DECIMAL(38, 9))
        THEN CAST(TRY_CAST(key AS DECIMAL(38, 0)) AS VARCHAR)
    ELSE key END;

CREATE OR REPLACE TEMP MACRO with_composed(key) AS
    CASE WHEN strlen(key) = length(key) THEN key ELSE nfc_normalize(key) END;
CREATE OR REPLACE TEMP MACRO without_several(key) AS
    without_separators(without_leading_zeros(without_extension(without_folder(lower(nfc_normalize(key))))));

-- coarse_key(key): what none of the differences takes out of a key or changes, but for an extension: two keys that differ
-- by one of them have one coarse key, with or without the extension of either. It does not hold for a few keys that are
-- told by is_odd_key (written otherwise, with quotes or URL codes, or with a sign, an exponent or marks of thousands).
CREATE OR REPLACE TEMP MACRO coarse_key(key) AS replace(without_separators(lower(key)), '0', '');
CREATE OR REPLACE TEMP MACRO is_odd_key(key) AS regexp_matches(key, '[^ -~]|["''`%,+]|^[0-9.]+[eE][0-9]+$');
