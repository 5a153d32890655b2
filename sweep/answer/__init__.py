"""Findings in words: sentences, captions and tables of text."""
