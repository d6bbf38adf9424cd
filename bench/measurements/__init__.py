"""One module for each measurement: its contestants, and what it measures."""
