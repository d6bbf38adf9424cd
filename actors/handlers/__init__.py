"""The doing of each kind of task."""
