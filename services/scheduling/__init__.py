"""When runs are made, become due, wait for each other or are skipped, and what follows from how they end."""
