"""Hardware: protocols, resources, life cycle, transports and simulators. Knows no campaign."""
