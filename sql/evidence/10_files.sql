-- Makes files: one row per file that may be an audit or a report. text is NULL if it does not hold JSON. Empty at
-- first.
CREATE TABLE files (path VARCHAR, modified TIMESTAMP, text VARCHAR);
