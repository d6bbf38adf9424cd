"""003: cron jobs."""
