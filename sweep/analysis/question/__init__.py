"""Answers as numbers: what a question is about, best settings, effects of axes, growth, falling losses."""
