"""Upcoming runs: lists, counts by minute and day, the threads that they need, and when a waiting run is called next."""
