"""The world: persons, crimes, and what each organisation decides and does."""
