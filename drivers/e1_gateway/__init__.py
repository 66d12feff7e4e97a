"""E1 gateways."""
