"""Pages about several results: an index of all of them, and a comparison of two."""
