"""The tools of every service: clock, logs, troubles, fault points, abort, retries while the database is away."""
