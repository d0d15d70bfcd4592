"""Questions: their ids, annotations and tables."""
