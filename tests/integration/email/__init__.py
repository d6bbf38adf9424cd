"""E-mail and alerts, over real SMTP."""
