"""Engines: read predictions, run the voting core, write the results. Never imports torch."""
