-- Scores outside of their scale: the first rows that must not be, and how many there are of those that must not be
-- (refused) and of those that were put on the end of the scale (clipped). Always one row at least.
SELECT
    count(*) FILTER (WHERE out_of_range = 'error') AS refused,
    count(*) FILTER (WHERE out_of_range = 'clip') AS clipped,
    list({'file': file, 'row': row, 'mos_text': mos_text, 'worst': worst, 'best': best} ORDER BY file, row)
        FILTER (WHERE out_of_range = 'error')[:3] AS first_refused
FROM label_scores
WHERE is_out_of_range;
