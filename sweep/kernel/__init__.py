"""The training: compiled code that knows arrays, never files, pandas or plots."""

NUMERICS = 2
"""Version of the arithmetic: what was trained under another one has other bits, and is never mixed with it."""

STATUSES = ("converged", "diverged", "stationary", "max_epochs")
"""Names of the status codes, in their order."""
