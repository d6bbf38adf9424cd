"""Changes: what was changed, for those who watch; read in looks, each on one snapshot."""
