"""Settings in odd grids: many grids that differ in no axis, values that nearly agree, parts of a result, long axes."""
