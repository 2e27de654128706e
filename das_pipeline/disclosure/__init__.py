"""Disclosure control: confidential base cubes become protected leaves, and every decision is kept in the release ledger.

The auditor in `audit` shares no code with what is here: it tries to break what is about to be published.
"""

from das_pipeline.disclosure.leaves import build_leaves
from das_pipeline.disclosure.ledger import append_ledger

__all__ = ["append_ledger", "build_leaves"]
