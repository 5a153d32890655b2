"""What this project costs: beside what one would use instead, and beside what the hardware allows."""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy is loaded, which is measured on one core
