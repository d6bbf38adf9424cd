"""The coordinator's loops, and the upkeep that they do."""
