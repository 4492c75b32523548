% MATLAB: the labelled rows of a table. rowfilter reads only the rows that match.
file = "natural_mos.parquet";
rf = rowfilter("mos_label_status");
rows = parquetread(file, RowFilter = rf.mos_label_status == "ok");
% Folds by clip: no clip is in both the training and the test rows.
[~, ~, clip] = unique(rows.file_name);
fold = mod(clip, 5) + 1;
meanOfFold = accumarray(fold, rows.mos, [5 1], @mean)
