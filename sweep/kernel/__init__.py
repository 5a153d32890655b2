"""The training: compiled code that knows arrays, never files, pandas or plots."""

from sweep.spec.schema import NUMERICS, STATUSES

__all__ = ["NUMERICS", "STATUSES"]
