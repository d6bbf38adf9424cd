"""The kinds of task that Carillon does by itself: key, label, parameters. What is none of them is a callback."""
