"""What a job's owner is told when it fails again and again or runs late: noted with what happened, sent later."""
