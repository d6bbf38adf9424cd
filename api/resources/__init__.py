"""One file for each noun: its requests, and the services that answer them."""
