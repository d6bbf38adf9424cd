"""Uploads: received, stored, downloaded, and swept from the spool."""
