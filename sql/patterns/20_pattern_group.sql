-- Fails if a pattern that RE2 takes has no group.
-- Parameters: $regex
SELECT regexp_extract('', $regex, ['key']);
