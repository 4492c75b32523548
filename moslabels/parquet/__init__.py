"""Parquet footers as bytes: read, checked and written again without decoding what stays as it is."""
