"""The configuration of a study: its tables, their checks across fields, and errors that name the place."""
