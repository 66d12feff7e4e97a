"""The web UI: Flask pages over reads of the store and commands on the bus. It holds no state of the call centre."""
