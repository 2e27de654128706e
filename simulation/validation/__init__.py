"""The simulated chain held against published figures, and the pipeline held against the simulated truth."""
