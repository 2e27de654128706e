"""What Dagster materialises: one module of assets per stage, thin. What they do is in das_pipeline, how they run in orchestration."""
