"""Versions of the tables, applied by `appliance.store.db.migrate`."""
