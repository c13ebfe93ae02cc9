"""Claims that are judged on the data of many firms, or on what others have published."""
