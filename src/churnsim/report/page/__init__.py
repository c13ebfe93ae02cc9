"""Parts of a page: blocks, tables, numbers as text, and the context that chapters share."""
