-- A row per clip, without labels: the Python model joins them.
SELECT file_name, avg(sharpness) AS sharpness
FROM read_parquet('../../quickstart/natural_features.parquet')
GROUP BY file_name
