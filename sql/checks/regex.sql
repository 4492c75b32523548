-- Fails where RE2 refuses a pattern, and, in other words, where the pattern has no group to name.
-- Parameters: $regex
SELECT regexp_extract('', $regex, ['key']);
