"""Alerts to the owner of a job that fails again and again or runs late: noted with the event, sent later."""
