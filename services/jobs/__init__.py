"""What applications and operators do to jobs: create, edit, pause, cancel, repeat, backfill; one or many at once."""
