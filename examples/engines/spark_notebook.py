# Databricks notebook source
# A notebook for a platform with Spark. Each block is a cell; other platforms import it as a script.
# First, for the driver and for the Python of all workers: %pip install 'moslabels==…'

# COMMAND ----------
import sys

from pyspark.sql import SparkSession

from moslabels import run_batch

# COMMAND ----------
# The features and outputs of the manifest lie where driver and workers see them under the same path, such as
# /Volumes/… or /dbfs/…
MANIFEST = sys.argv[1] if len(sys.argv) > 1 else "/Volumes/main/video/labels/manifest.json"
spark = SparkSession.builder.getOrCreate()  # On a platform, this is the session that it has made.

# COMMAND ----------
# The active session labels. By default it gets as many tasks at a time as the cluster has processors now. For a cluster
# that grows by need, say how many it may become: workers=64
report = run_batch(MANIFEST, engine="spark")
for table in report["tables"]:
    print(table["id"], table["status"], table.get("summary", table.get("error")))

# COMMAND ----------
# The labelled parts are Parquet: Spark reads them.
for entry in report["tables"]:
    if entry["status"] == "ok":
        spark.read.parquet(entry["out"]).groupBy("mos_label_status").count().show()
