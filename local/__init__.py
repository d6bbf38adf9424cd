"""What one machine needs to run Carillon by itself: private servers, a supervisor, a receiver to try it on."""
