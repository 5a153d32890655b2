"""The training: compiled code that knows arrays, never files, pandas or plots."""

from sweep.spec.schema import STATUSES

__all__ = ["NUMERICS", "STATUSES"]

NUMERICS = 2
"""Version of the arithmetic: what was trained under another one has other bits, and is never mixed with it."""
