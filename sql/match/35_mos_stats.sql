-- Returns the statistics of mos over the labelled feature rows: least, greatest, mean and quartiles (linear between the
-- two nearest rows, as numpy and pandas do): one row. A clip counts once per row, by its number of rows. The sum is in
-- a fixed order, since adding doubles in the order of threads would change the last digits.
WITH clips AS (
    SELECT mos, sum(rows) AS rows
    FROM feature_keys JOIN labels USING (label_id)
    GROUP BY mos
), running AS (
    SELECT mos, rows, sum(rows) OVER (ORDER BY mos) AS upto, sum(rows) OVER () AS total
    FROM clips
), places AS (
    SELECT
        quartile,
        (SELECT any_value(total) - 1 FROM running) * quartile / 4 AS place
    FROM (VALUES (1), (2), (3)) AS quartiles (quartile)
), quartiles AS (
    SELECT
        quartile,
        min(mos) FILTER (WHERE upto > floor(place)) AS below,
        min(mos) FILTER (WHERE upto > ceil(place)) AS above,
        any_value(place) - floor(any_value(place)) AS share
    FROM places, running
    GROUP BY quartile
)
SELECT
    (SELECT min(mos) FROM clips) AS "min",
    (SELECT max(mos) FROM clips) AS "max",
    (SELECT sum(mos * rows ORDER BY mos) / sum(rows) FROM clips) AS mean,
    (SELECT below + (above - below) * share FROM quartiles WHERE quartile = 1) AS q1,
    (SELECT below + (above - below) * share FROM quartiles WHERE quartile = 2) AS median,
    (SELECT below + (above - below) * share FROM quartiles WHERE quartile = 3) AS q3;
