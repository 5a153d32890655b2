"""Measure this project's speed beside that of other ways, and beside what the hardware allows."""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy is loaded, which is measured on one core
