"""The signs of life of parts that have no address of their own, and how old one may be."""

TICK = "tick"  # the coordinator's
BEAT = "beat"  # periodiq's
OLDEST_TICK_SECONDS = 10.0
OLDEST_BEAT_SECONDS = 150.0
