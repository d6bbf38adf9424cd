"""Make the calls of an attempt: one HTTP request over a line that can be cut, to an address that may be called."""
