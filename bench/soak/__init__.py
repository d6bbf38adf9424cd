"""A long run at a steady share of full speed, which shows whether memory stays flat and runs stay on time."""
