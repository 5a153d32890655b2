"""Doing it: chunks of runs over cores, processes and a cluster."""
