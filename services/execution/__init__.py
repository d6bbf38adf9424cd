"""Claim runs, hold them under leases, record their outcomes, rescue runs of dead workers; limits and reports."""
