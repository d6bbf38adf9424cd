"""Claim runs, hold them under leases, record their outcomes, rescue those whose worker died; limits and reports."""
