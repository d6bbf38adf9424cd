"""Who a caller is, and how often they may ask: users, tokens, request quotas, login throttling."""
