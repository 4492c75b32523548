-- What a character is part of: a word, a number, or neither (mark).
CREATE OR REPLACE TEMP MACRO character_kind(text) AS CASE
    WHEN regexp_matches(text, '^\pL') THEN 'letter'
    WHEN regexp_matches(text, '^\pN') THEN 'digit'
    ELSE 'mark' END;
-- Whether a key begins or ends with a part, by its place; and the character of the key that comes next to the part.
CREATE OR REPLACE TEMP MACRO has_part(key, place, part) AS
    CASE place WHEN 'begin' THEN starts_with(key, part) ELSE ends_with(key, part) END;
CREATE OR REPLACE TEMP MACRO next_character(key, place, part) AS
    CASE place WHEN 'begin' THEN substr(key, length(part) + 1, 1) ELSE substr(key, -length(part) - 1, 1) END;
