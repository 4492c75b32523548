-- Makes suggest_keys: the distinct keys that a candidate (a column and a way to make a key of it) makes of
-- suggest_values. Empty at first.
CREATE TEMP TABLE suggest_keys (
    candidate INTEGER,
    file INTEGER,
    key VARCHAR,
    texts BIGINT,               -- different values that became the key
    rows BIGINT
);
