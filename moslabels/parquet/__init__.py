"""Parquet footers as bytes: read, checked and written again, without decoding the parts that do not change."""
