"""The training: compiled code that knows arrays, never files, pandas or plots."""

from sweep.spec.schema import STATUSES

__all__ = ["NUMERICS", "STATUSES"]

NUMERICS = 3
"""Version of the arithmetic and of what is kept of a run: results of another one are never mixed with those of this."""
