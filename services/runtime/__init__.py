"""What every service uses: clock, logs, troubles, fault points, abort, retries while the database is away."""
