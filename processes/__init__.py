"""The programs that run in production, one file each, and what they share: start, composition, signals, supervisor."""
