"""Files of any kind: atomic writing, JSON, parquet, text, rows of records."""
