"""File formats: predictions, answer maps, VQA JSON, recipes. Imports nothing above it."""
