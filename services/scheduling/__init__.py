"""Plan runs, make them due, hold, skip or queue them, and apply what follows when they end."""
