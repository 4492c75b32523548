-- Returns the statistics of mos over the labelled feature rows: least, greatest, mean and quartiles (linear between the
-- two nearest rows, as numpy and pandas do): one row. A clip counts once per row, by its number of rows. The sum is in
-- a fixed order, since adding doubles in the order of threads would change the last digits.
WITH clips AS (
    SELECT mos, sum(rows) AS rows
    FROM feature_keys JOIN labels USING (label_id)
    GROUP BY mos
), running AS (
    -- Rows in the order of mos count from 0. Those of a clip end before row upto, and the last of all is row last.
    SELECT mos, rows, sum(rows) OVER (ORDER BY mos) AS upto, sum(rows) OVER () - 1 AS last
    FROM clips
)
SELECT
    min(mos) AS "min",
    max(mos) AS "max",
    sum(mos * rows ORDER BY mos) / sum(rows) AS mean
    {%- for name, quartile in (('q1', 1), ('median', 2), ('q3', 3)) %},
    mos_between(
        min(mos) FILTER (WHERE upto > floor(last * {{ quartile | number }} / 4)),
        min(mos) FILTER (WHERE upto > ceil(last * {{ quartile | number }} / 4)),
        any_value(last) * {{ quartile | number }} / 4) AS {{ name | ident }}
    {%- endfor %}
FROM running;
