"""Scores of answers against human annotations."""

# What ``evaluate --metric`` knows, VQA accuracy first.
METRICS = ("vqa", "exact-match", "gqa", "vizwiz", "tdiuc", "multiple-choice", "anls", "wups")
