"""Drills: what is done to an installation at night (restore, upgrade, failover), done here under load, and judged."""
