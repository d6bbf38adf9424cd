"""Run the program of a command: under a keeper, with its output read line by line."""
