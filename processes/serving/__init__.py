"""The HTTP servers of processes: of the API within bounds, and of health checks."""
