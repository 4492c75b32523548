-- Returns what the labelled feature rows, and the labels that they use, hold as mos: statistics and histogram of each, and
-- how many of each bin were clipped to their scale; and the first labelled rows, each of another label, beside it: one
-- row. Statistics are least, greatest, mean and quartiles (linear between the two nearest scores, as numpy and pandas
-- do). The sum is in a fixed order, since adding doubles in the order of threads would change the last digits. A
-- histogram is a list of 20 counts. A bin is 0.2 wide, which is 5 on 0-100. It begins at its lower edge and ends before
-- the next; the last holds 5 too. An edge is the DOUBLE nearest to 1.2, 1.4, …, so that a score written so, or as 5, 10,
-- … on 0-100, begins its bin: if the product is rounded up to a whole number of fifths, the score is compared with the
-- edge itself.
WITH used AS (
    SELECT label_id, sum(rows) AS rows, min(first_row) AS first_row
    FROM feature_keys
    WHERE label_id IS NOT NULL
    GROUP BY label_id
), scores AS (
    SELECT
        mos, floor(mos * 5) AS fifths, sum(rows) AS rows, count(*) AS keys,
        sum(rows) FILTER (WHERE is_clipped) AS clipped_rows, count(*) FILTER (WHERE is_clipped) AS clipped_keys
    FROM used JOIN labels USING (label_id)
    GROUP BY mos
), running AS (
    -- In the order of mos they count from 0. Those of a score end before number upto, and the last of all is last.
    SELECT
        mos
        {%- for what in ('rows', 'keys') %},
        {{ what | ident }},
        sum({{ what | ident }}) OVER (ORDER BY mos) AS {{ (what ~ '_upto') | ident }},
        sum({{ what | ident }}) OVER () - 1 AS {{ (what ~ '_last') | ident }}
        {%- endfor %}
    FROM scores
), statistics AS (
    SELECT
        {%- for what, name in (('rows', 'mos_stats'), ('keys', 'mos_stats_by_key')) %}
        {%- set upto, last = (what ~ '_upto') | ident, (what ~ '_last') | ident %}
        {
            'min': min(mos),
            'max': max(mos),
            'mean': sum(mos * {{ what | ident }} ORDER BY mos) / sum({{ what | ident }})
            {%- for name, quartile in (('q1', 1), ('median', 2), ('q3', 3)) %},
            {{ name | text }}: mos_between(
                min(mos) FILTER (WHERE {{ upto }} > floor({{ last }} * {{ quartile | number }} / 4)),
                min(mos) FILTER (WHERE {{ upto }} > ceil({{ last }} * {{ quartile | number }} / 4)),
                any_value({{ last }}) * {{ quartile | number }} / 4)
            {%- endfor %}
        } AS {{ name | ident }}{% if not loop.last %},{% endif %}
        {%- endfor %}
    FROM running
), counts AS (
    SELECT
        least(CASE WHEN mos < fifths / 5 THEN fifths - 1 ELSE fifths END, 24) - 5 AS bin,
        sum(rows) AS rows, sum(keys) AS keys, sum(clipped_rows) AS clipped_rows, sum(clipped_keys) AS clipped_keys
    FROM scores
    GROUP BY bin
), histograms AS (
    SELECT
        {%- for what, name in (
            ('rows', 'mos_histogram'), ('keys', 'mos_histogram_by_key'),
            ('clipped_rows', 'clipped_histogram'), ('clipped_keys', 'clipped_histogram_by_key')) %}
        list(CAST(coalesce({{ what | ident }}, 0) AS BIGINT) ORDER BY bin) AS {{ name | ident }}
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
    FROM range(20) AS bins (bin) LEFT JOIN counts USING (bin)
), firsts AS (
    SELECT label_id, first_row
    FROM used
    ORDER BY first_row
    LIMIT 3
), examples AS (
    SELECT list({
        'raw_value': feature_keys.raw_value, 'row': first_row, 'key': labels.key, 'label_value': labels.raw_value,
        'label_file': file, 'label_row': labels.row, 'mos_text': mos_text, 'mos': mos, 'mos_raw_0_100': mos_raw_0_100
    } ORDER BY first_row) AS examples
    FROM firsts JOIN labels USING (label_id) JOIN feature_keys USING (first_row)
)
SELECT *
FROM statistics, histograms, examples;
