"""The training backend (extra ``train``): data, models, training loop."""
