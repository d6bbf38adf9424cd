"""E-mail: letters made of templates, sent by SMTP or put into an outbox, and the alerts that owners get."""
