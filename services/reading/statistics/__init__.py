"""Statistics: jobs by state, runs by minute, by app, by account, and how late and how long runs were."""
