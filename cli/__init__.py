"""`das`: what people do without the UI. One module for each group of verbs; docs/command-line.md explains them.

demo, simulate: simulated.py · run, status: operation.py · ui, serve: servers.py · doctor: doctor.py · clean: housekeeping.py ·
quarantine, replay, terminology: stewards.py · explain, audit, release list and diff: releases.py · keys, and release show, review, approve,
return and withdraw: approvals.py. What `das explain` says is worked out in das_pipeline/publication/explain.py.
"""
