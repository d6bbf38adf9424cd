"""The installation itself: its processes, workers, health and settings."""
