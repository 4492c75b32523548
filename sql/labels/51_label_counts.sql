-- Returns how many labels there are (distinct keys), how many later labels of a key say the same as the first, how many
-- scores were clipped to their scale, and the first of these: one row.
SELECT
    (SELECT count(*) FROM labels) AS labels_loaded,
    (SELECT count(*) FROM label_scores) - (SELECT count(*) FROM labels) AS duplicate_labels,
    (SELECT count(*) FROM label_scores WHERE is_out_of_range AND out_of_range = 'clip') AS clipped_scores,
    (
        SELECT list({
            'file': file,
            'row': row,
            'text': CASE WHEN is_outside(value, worst, best) THEN mos_text ELSE mos_100_text END
        } ORDER BY file, row)[1]
        FROM label_scores
        WHERE is_out_of_range AND out_of_range = 'clip'
    ) AS first_clipped;
