"""A look at the whole data set: its numbers, all its instances side by side, and what may be wrong with them."""
