"""The report: one HTML file that shows how an ensemble does, and why, question by question."""
