-- Returns how many labels there are (distinct keys), how many later labels of a key say the same as the first, and how
-- many scores were clipped to their scale: one row.
SELECT
    (SELECT count(*) FROM labels) AS labels_loaded,
    (SELECT count(*) FROM label_scores) - (SELECT count(*) FROM labels) AS duplicate_labels,
    (SELECT count(*) FROM label_scores WHERE is_out_of_range AND out_of_range = 'clip') AS clipped_scores;
