"""The live channel: its listeners, the frames that each gets, and how these are sent."""
