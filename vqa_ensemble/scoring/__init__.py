"""Scores of answers against human annotations."""
