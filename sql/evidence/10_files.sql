-- files: a row per file that may be an audit or a report. text is NULL where it holds no JSON.
CREATE TABLE files (path VARCHAR, modified TIMESTAMP, text VARCHAR);
