"""What every service stands on: clock, logs, fault points, abort, waiting for a database that is away."""
