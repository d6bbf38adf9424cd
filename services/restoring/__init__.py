"""Restores: find out that the database was taken back, hold what may have run already, release it in slices."""
