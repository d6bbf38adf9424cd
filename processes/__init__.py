"""What runs in production: web and embedded servers, health, signals, the supervisor, autoscaling."""
