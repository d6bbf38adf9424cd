"""A run held, paused, delayed or early is never stranded.

One test for each way in which a ring can be spent without its run. Each ends with the run executed, or claimable
with a ring out.
"""
