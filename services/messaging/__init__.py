"""Rings: the broker that carries them, the doorbell that sends them, the unit of work that collects them."""
