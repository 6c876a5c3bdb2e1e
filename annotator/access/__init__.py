"""Who is who: codes, tries, sign-ins, roles. Headless; annotator/ui asks it before anything else."""
