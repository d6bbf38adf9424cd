"""The spellings of the five source systems: tables and small translations, unknown to everything below the API."""
