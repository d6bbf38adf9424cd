"""The dashboard: pages of HTML over the same services, and with the same access, as the API."""
