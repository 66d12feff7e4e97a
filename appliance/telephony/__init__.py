"""The switch: one conversation, one process; and the rendered edge beside it."""
