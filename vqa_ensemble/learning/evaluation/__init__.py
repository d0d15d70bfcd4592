"""Which way to combine members is better, and how sure that is.

Cross-validation that keeps copies of a question together, paired comparisons with bootstrap
intervals, and what explains them: bounds, contributions, correlated errors, ties. Pure functions
on arrays.
"""
