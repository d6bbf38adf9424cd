"""The doing of each kind of task, and what they are built of."""
