"""Data sets that others have made, read from folders, zip archives and single files that nobody vouches for."""
