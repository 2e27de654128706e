"""`das`: what people do without the UI. One module per group of verbs, each named for who uses it."""
