"""What one machine needs to try Carillon: private servers, a receiver, the demo."""
