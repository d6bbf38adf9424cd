"""Pure rules: no I/O, no clock, no settings. Time is always an argument."""
