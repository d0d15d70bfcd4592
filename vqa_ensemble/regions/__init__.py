"""Regions of pictures: files of other tools, and the store."""
