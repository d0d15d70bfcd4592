"""Studies: the talk's tables measured on the user's own data (extra ``study``)."""
