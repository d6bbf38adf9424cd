"""Reads jobs, runs, workers and figures for display. Nothing here changes a row."""
