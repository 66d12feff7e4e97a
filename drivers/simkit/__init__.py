"""Simulators: real protocols on real transports, described by data, with faults on demand."""
