-- What a character is part of: a word, a number, or neither (mark).
CREATE OR REPLACE TEMP MACRO character_kind(text) AS CASE
    WHEN regexp_matches(text, '^\pL') THEN 'letter'
    WHEN regexp_matches(text, '^\pN') THEN 'digit'
    ELSE 'mark' END;
