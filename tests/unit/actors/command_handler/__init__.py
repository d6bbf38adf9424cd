"""Commands: what comes back of them, and that nothing of them stays."""
