"""The voting core: pure functions on arrays."""
