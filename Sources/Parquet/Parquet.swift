// Module Parquet.
