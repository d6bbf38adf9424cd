"""Make the calls of an attempt: one HTTP request to a permitted address, over a line that can be cut."""
