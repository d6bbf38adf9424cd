"""002 and 004: accounts."""
