"""Failures: runs and jobs that failed, receivers that fail, open breakers, alerts, retries and replays."""
