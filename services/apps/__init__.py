"""Apps: their definitions, members, senders and quotas."""
