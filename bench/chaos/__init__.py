"""The chaos run: load and faults at once, drawn from a seed, then every promise checked against what was noted."""
