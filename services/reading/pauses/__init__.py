"""Pauses of jobs, of apps and of everything: those in force, the latest, and those of a past instant."""
