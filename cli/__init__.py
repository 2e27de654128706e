"""`das`: what people do without the UI. One module for each group of verbs; docs/command-line.md explains them.

demo, simulate: simulated.py · run, status: operation.py · ui, serve: servers.py · doctor: doctor.py · quarantine, propose: stewards.py ·
explain, audit, release list and diff: releases.py · release show, review, approve, return, withdraw: approvals.py. What a verb shows is
worked out in das_pipeline: what `das explain` says is in das_pipeline/publication/explain.py.
"""
