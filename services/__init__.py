"""What the system does, one function per intent."""
