"""E-mail: made of templates, sent by SMTP or kept in an outbox."""
