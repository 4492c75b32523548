# R: the labelled rows of a table, with the package "duckdb" (or "arrow": read_parquet, then the same filter).
library(duckdb)
con <- dbConnect(duckdb())
rows <- dbGetQuery(con, "SELECT * FROM read_parquet(?) WHERE mos_label_status = 'ok'",
                   params = list(commandArgs(trailingOnly = TRUE)[1]))
# Folds by clip: no clip is in both the training and the test rows.
fold <- match(rows$file_name, unique(rows$file_name)) %% 5
print(aggregate(mos ~ fold, data = cbind(rows, fold), FUN = mean))
dbDisconnect(con, shutdown = TRUE)
