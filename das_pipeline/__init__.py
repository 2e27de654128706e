"""The domain of das_pipeline: what the open data pipeline of a criminal-justice chain does, without any orchestrator."""
