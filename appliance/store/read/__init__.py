"""Reads for pages and exports: functions that take the Store and return plain dataclasses."""
