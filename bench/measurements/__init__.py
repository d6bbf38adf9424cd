"""One module for each measurement: who takes part, and what a sample of it is."""
