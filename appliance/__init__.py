"""Callbox: the control software of a 30-seat call-centre box. The rooms are described in docs/architecture.md."""

import os

# Before anything imports numpy: products of small matrices gain nothing from a pool of threads, which spins between
# them (the ear costs three times as much), and workers are forked, so that no thread may exist in their parent.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# Nobody adds to pydantic here; to find that out it reads the metadata of every installed package at each start.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "1")
