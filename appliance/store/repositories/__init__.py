"""Queries and writes by noun: plain functions that take a SQLAlchemy Session and never commit."""
