"""Benchmarks: how fast and how large the vote is, beside other ways to hold it.

Run ``python -m benchmarks`` (or ``make bench``) from a checkout; see ``benchmarks/__main__.py``.
"""
