-- Fails if RE2 refuses a pattern.
-- Parameters: $regex
SELECT regexp_matches('', $regex);
