"""Everything that is kept: pictures' records, categories, sessions, prompt events, instances."""
