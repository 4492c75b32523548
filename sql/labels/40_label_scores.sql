-- Makes label_scores, a view: one row per label row that has a key and a score: the score within its scale, on 1-5 and on
-- 0-100. The number as it was given is kept on its own scale. On a per-value file a score above 5 is on 0-100, another
-- on 1-5; on a per-row file each is on the scale of its row. If a file has mos and mos_raw_0_100, each is kept as it
-- was given, and gives the other if that is missing. Extras are the text that their stated type writes, or as they
-- stand in the file. The template is told what the files have: a second score, scales of rows, scores that may be outside
-- of their scale; and whether there is one file alone: no join takes less time.
{%- from 'labels/extras.sql' import stated_text %}
CREATE TEMP VIEW label_scores AS
WITH scaled AS (
    SELECT
        label_rows.* EXCLUDE (key_fault, fault_part, mos_state),
        source,
        out_of_range,
        {%- if any_row_scale %}
        CAST(CASE
            WHEN scale = 'per-row' THEN row_worst
            WHEN scale <> 'per-value' THEN worst
            WHEN value > 5 THEN 0 ELSE 1
        END AS DOUBLE) AS worst,
        CAST(CASE
            WHEN scale = 'per-row' THEN row_best
            WHEN scale <> 'per-value' THEN best
            WHEN value > 5 THEN 100 ELSE 5
        END AS DOUBLE) AS best
        {%- else %}
        worst,
        best
        {%- endif %}
    FROM label_rows {% if is_one_file %}CROSS JOIN label_scales{% else %}JOIN label_scales USING (file){% endif %}
    WHERE key IS NOT NULL AND mos_state = 'ok'
), clipped AS (
    SELECT
        *,
        {%- if may_be_outside %}
        is_outside(value, worst, best){% if any_mos_100 %} OR is_outside(mos_100, 0, 100){% endif %} AS is_out_of_range,
        clip_mos(value, worst, best) AS score
        {%- if any_mos_100 %},
        clip_mos(mos_100, 0, 100) AS score_100
        {%- endif %}
        {%- else %}
        false AS is_out_of_range,
        value AS score
        {%- endif %}
    FROM scaled
)
SELECT
    label_id, file, row, raw_value, key, mos_text, value, mos_100_text, mos_100, source, worst, best,
    is_out_of_range, out_of_range,
    {%- if any_mos_100 %}
    CASE WHEN score IS NULL THEN scale_mos(score_100, 0, 100) ELSE scale_mos(score, worst, best) END AS mos,
    CASE WHEN score_100 IS NULL THEN scale_raw(score, worst, best) ELSE score_100 END AS mos_raw_0_100
    {%- else %}
    scale_mos(score, worst, best) AS mos,
    scale_raw(score, worst, best) AS mos_raw_0_100
    {%- endif %}
    {%- for extra in extras %},
    {{ stated_text(extra) }} AS {{ extra.text | ident }}, {{ extra.type | ident }}
    {%- endfor %}
FROM clipped;
