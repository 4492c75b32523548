-- Returns the histogram of mos over the labelled feature rows: how many rows each of 20 bins holds, as one list. A bin
-- is 0.2 wide, which is 5 on 0-100. It begins at its lower edge and ends before the next; the last holds 5 too. An edge
-- is the DOUBLE nearest to 1.2, 1.4, …, so that a score written so, or as 5, 10, … on 0-100, begins its bin: if the
-- product is rounded up to a whole number of fifths, the score is compared with the edge itself.
WITH scores AS (
    SELECT mos, rows, floor(mos * 5) AS fifths
    FROM feature_keys JOIN labels USING (label_id)
), counts AS (
    SELECT least(CASE WHEN mos < fifths / 5 THEN fifths - 1 ELSE fifths END, 24) - 5 AS bin, sum(rows) AS rows
    FROM scores
    GROUP BY bin
)
SELECT list(CAST(coalesce(rows, 0) AS BIGINT) ORDER BY bin) AS rows
FROM range(20) AS bins (bin) LEFT JOIN counts USING (bin);
