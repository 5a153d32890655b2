"""Experiments: files, grids, training sets and starts. Imports nothing else of the project."""
