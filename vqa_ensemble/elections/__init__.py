"""Elections: a vote over files, from reading to what is written."""
