"""Figures: one module each, and which of them a result has."""
