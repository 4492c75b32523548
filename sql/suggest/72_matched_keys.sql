-- Returns some of the matched keys of a rule, the same on every run.
-- Parameters: $most
SELECT key
FROM rule_keys
WHERE is_feature AND is_label
ORDER BY hash(key), key
LIMIT $most;
