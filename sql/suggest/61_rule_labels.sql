-- Makes rule_labels: one row per label row, with the key that a rule makes of it. Empty at first.
CREATE OR REPLACE TEMP TABLE rule_labels (
    file INTEGER,
    row BIGINT,
    texts VARCHAR[],
    is_fault BOOLEAN,
    mos DOUBLE,
    key VARCHAR[]
);
