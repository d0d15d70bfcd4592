"""Combiners whose weights are learned: one method a module, its source cited.

Every combiner scores the candidate answers of a question; the best score wins. They are pure
functions on arrays, fitted on validation predictions and kept in a readable ensemble file.
"""
