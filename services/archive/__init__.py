"""The archive: what is pruned is stored first, in parts of days, and read from there."""
