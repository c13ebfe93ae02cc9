"""Reading tables: CSV and Parquet files, column types, and errors that name the row."""
