"""The switch: one conversation, one process; and the rendered edge beside it."""

import os

# Workers are forked: no thread may exist in the parent, and a matrix product of 160 samples needs no pool of them.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
