"""Section 000's examples, sent as they are printed, against one process and against the services."""
