"""Doing it: chunks of runs over cores, and the only module that writes results."""
