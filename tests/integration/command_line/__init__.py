"""The command line, against a server that listens."""
