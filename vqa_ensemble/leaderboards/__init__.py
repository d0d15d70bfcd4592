"""Leaderboards: the files they take, and whether they will."""
