-- Opinion scores: what is one, and on which scale.

-- trimmed_number(trimmed): a score as DOUBLE, or NULL if its trimmed text is not written as a plain number. Of what begins
-- with a digit, only underscores set apart what TRY_CAST takes, and no pattern is needed: most scores do.
-- text_number(text): the same of any text. Most have no white space to trim. mos_number(text, type): the same of a score
-- of any type.
CREATE OR REPLACE {{ TEMP }} MACRO trimmed_number(trimmed) AS
    CASE
        WHEN unicode(trimmed) BETWEEN 48 AND 57 AND NOT contains(trimmed, '_') THEN TRY_CAST(trimmed AS DOUBLE)
        WHEN is_number_text(trimmed) THEN TRY_CAST(trimmed AS DOUBLE)
    END;
CREATE OR REPLACE {{ TEMP }} MACRO text_number(text) AS
    CASE WHEN is_number_text(text) THEN TRY_CAST(text AS DOUBLE) ELSE trimmed_number(trim_text(text)) END;
CREATE OR REPLACE {{ TEMP }} MACRO mos_number(text, type) AS
    CASE
        WHEN is_text_type(type) THEN text_number(with_point(text, type))
        WHEN is_number_type(type) THEN TRY_CAST(text AS DOUBLE)
    END;

-- trimmed_state(trimmed, number, missing_values): 'ok' if a score is a finite number, 'missing' if none was given, else
-- 'bad', of its trimmed text and the number that it is. Most are finite: they are looked at first, and no text that is
-- blank or nan has such a number. The number alone is NaN if it was one in the file, also a negative one.
CREATE OR REPLACE {{ TEMP }} MACRO trimmed_state(trimmed, number, missing_values) AS
    CASE
        WHEN list_contains(CAST(missing_values AS VARCHAR[]), trimmed) THEN 'missing'
        WHEN isfinite(number) THEN 'ok'
        WHEN trimmed IS NULL OR trimmed = '' OR lower(trimmed) = 'nan' OR isnan(number) THEN 'missing'
        ELSE 'bad'
    END;

-- mos_state(text, type, missing_values): the same of a score whose number is not wanted.
CREATE OR REPLACE {{ TEMP }} MACRO mos_state(text, type, missing_values) AS
    trimmed_state(trim_text(text), mos_number(text, type), missing_values);

-- scale_worst(text), scale_best(text): the ends of a scale as a label row names it: 1-5, 0-100, 100-0, or with two dots
-- 1..5, -3..3; NULL if it is not one, or if both ends are the same. After one dash a number has no sign.
CREATE OR REPLACE {{ TEMP }} MACRO scale_end(text, place) AS
    TRY_CAST(regexp_extract(trim_text(text), scale_range(), place)
        || regexp_extract(trim_text(text), scale_range(), place + 2) AS DOUBLE);
CREATE OR REPLACE {{ TEMP }} MACRO scale_worst(text) AS
    CASE WHEN scale_end(text, 1) <> scale_end(text, 2) THEN scale_end(text, 1) END;
CREATE OR REPLACE {{ TEMP }} MACRO scale_best(text) AS
    CASE WHEN scale_end(text, 1) <> scale_end(text, 2) THEN scale_end(text, 2) END;

-- clip_mos(value, worst, best): the nearest score on a scale. is_outside(value, worst, best): whether that is another.
-- NULL is neither: least() and greatest() would pass over it.
CREATE OR REPLACE {{ TEMP }} MACRO clip_mos(value, worst, best) AS
    CASE WHEN value IS NOT NULL THEN least(greatest(value, least(worst, best)), greatest(worst, best)) END;
CREATE OR REPLACE {{ TEMP }} MACRO is_outside(value, worst, best) AS
    coalesce(value NOT BETWEEN least(worst, best) AND greatest(worst, best), false);

-- scale_mos(value, worst, best): a score on any linear scale, on 1 (worst) to 5 (best).
-- scale_raw(value, worst, best): the same on 0 (worst) to 100 (best). Adding 0 turns -0.0 into 0.0.
-- A score that is on the wanted scale already stays as it was given, to the last bit.
CREATE OR REPLACE {{ TEMP }} MACRO scale_mos(value, worst, best) AS
    CASE WHEN worst = 1 AND best = 5 THEN value ELSE 1 + 4 * (value - worst) / (best - worst) END;
CREATE OR REPLACE {{ TEMP }} MACRO scale_raw(value, worst, best) AS
    CASE WHEN worst = 0 AND best = 100 THEN value ELSE 100 * (value - worst) / (best - worst) + 0.0 END;

-- mos_differs(difference, tolerance): whether two scores on 1-5 are two labels. 1e-12 is what binary fractions may be
-- off by, so that 3.1 and 3.2 are within 0.1.
CREATE OR REPLACE {{ TEMP }} MACRO mos_differs(difference, tolerance) AS abs(difference) > tolerance + 1e-12;
