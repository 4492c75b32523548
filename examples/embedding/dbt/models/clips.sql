-- A row per clip: the mean of every feature over its frames, and its label.
SELECT file_name, count(*) AS frames, avg(sharpness) AS sharpness, avg(noise) AS noise, any_value(mos) AS mos
FROM {{ source('labelled', 'natural_mos') }}
WHERE mos_label_status = 'ok'
GROUP BY file_name
