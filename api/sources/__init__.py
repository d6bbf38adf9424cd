"""The spellings of the five source systems, as tables and small translations. Nothing below the API knows of them."""
