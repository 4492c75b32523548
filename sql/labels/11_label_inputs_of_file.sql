-- Adds one label file to label_inputs.
-- Parameters: $file, $source, $mos_column, $mos_scale, $worst, $best, $out_of_range, $missing_mos
INSERT INTO label_inputs
VALUES ($file, $source, $mos_column, $mos_scale, $worst, $best, $out_of_range, $missing_mos);
