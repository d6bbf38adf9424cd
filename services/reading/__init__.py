"""What is shown of jobs, runs and workers. Nothing here changes a row."""
