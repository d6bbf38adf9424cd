"""HTTP in and out: requests become calls of services, their answers and errors become JSON."""
