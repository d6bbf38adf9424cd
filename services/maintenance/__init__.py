"""The coordinator's loops, and what they do that no other room does."""
