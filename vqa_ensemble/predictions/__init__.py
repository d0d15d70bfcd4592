"""Predictions: what a member says, its files, and ranges of them."""
