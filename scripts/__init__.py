"""What `make` calls; each runs by itself too: python scripts/NAME.py."""
