"""000: callbacks and polling."""
