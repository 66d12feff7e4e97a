"""Pacing policies side by side in a simulated room: `callbox bench pacing`."""

from appliance.bench.pacing.command import register

__all__ = ["register"]
