"""The Dagster side: one thin module per stage, named as in das_pipeline, and the wiring beside them."""
