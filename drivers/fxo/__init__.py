"""FXO gateways."""
