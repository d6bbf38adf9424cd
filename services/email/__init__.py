"""E-mail: filled from templates, sent by SMTP or kept in an outbox."""
