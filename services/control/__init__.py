"""What an operator does to jobs and runs that are there: edit, repeat, cancel, rewind, one or many at once."""
