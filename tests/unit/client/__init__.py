"""What the client decides by itself."""
