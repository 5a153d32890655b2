"""The replication page: what others reported, beside what the experiments here measured.

    python -m experiments.replication [--results results] [--out docs]

reads results/NAME of each experiment and writes replication.md and replication/*.png. Every number and every verdict on
the page is computed from the results, by a rule that the page states.
"""
