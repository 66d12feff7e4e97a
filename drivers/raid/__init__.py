"""Disks and md arrays: who they are, how they do, when one should go, and how one is replaced.

A disk is known by serial number and WWN, never by `sdX`: a name that was freed by a pulled disk is given to the next.
"""
