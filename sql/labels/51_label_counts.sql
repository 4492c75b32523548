-- Returns how many labels there are (distinct keys), and how many later labels of a key say the same as the first: one
-- row.
SELECT
    (SELECT count(*) FROM labels) AS labels_loaded,
    (SELECT count(*) FROM label_scores) - (SELECT count(*) FROM labels) AS duplicate_labels;
