"""One file per noun: its requests, and the services that answer them."""
