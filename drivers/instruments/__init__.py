"""Instruments that speak SCPI: the technician's multimeter on a pair, a tester on an E1. pyvisa stands here only."""
