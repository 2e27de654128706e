"""Disclosure control: confidential base cubes become protected leaves, and every decision is kept in the release ledger."""

from das_pipeline.disclosure.leaves import build_leaves
from das_pipeline.disclosure.ledger import ENTRIES, LEDGER, as_of, ledger_file, write_entries
from das_pipeline.disclosure.methods import cells_file
from das_pipeline.disclosure.report import read_report, report_page

__all__ = ["ENTRIES", "LEDGER", "as_of", "build_leaves", "cells_file", "ledger_file", "read_report", "report_page", "write_entries"]
