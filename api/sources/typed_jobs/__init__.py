"""001: typed jobs."""
