"""Write the replication page: `python -m experiments.replication`."""

import sys

from experiments.replication.page import main

sys.exit(main())
