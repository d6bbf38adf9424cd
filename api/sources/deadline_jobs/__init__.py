"""004: jobs with deadlines."""
