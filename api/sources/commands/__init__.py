"""002: commands."""
