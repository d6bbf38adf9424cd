"""The live channel: who listens, what each is told, and how it reaches them."""
