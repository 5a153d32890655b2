"""Findings: numbers that a result shows, each computed once, neither drawn nor put into words."""
