"""Terminology: one word, one meaning. Every value of every partner gets a concept beside the value as delivered.

Which code means what is data (`terminology/` of the jurisdiction); what must be true of it is in `file_faults`, and what
must be true of values once they are looked up in `judging`.
"""

from das_pipeline.terminology.concepts import build_concepts, export
from das_pipeline.terminology.differences import Difference, difference
from das_pipeline.terminology.external import build_external
from das_pipeline.terminology.glossary import Term, load_notes, load_terms, scope_notes
from das_pipeline.terminology.mapped_records import build_records
from das_pipeline.terminology.proposals import Proposal, propose
from das_pipeline.terminology.readers import hierarchy, records, records_of
from das_pipeline.terminology.schemes import ALL, TOTAL, Concept, Scheme, load_schemes

__all__ = [
    "ALL",
    "TOTAL",
    "Concept",
    "Difference",
    "Proposal",
    "Scheme",
    "Term",
    "build_concepts",
    "build_external",
    "build_records",
    "difference",
    "export",
    "hierarchy",
    "load_notes",
    "load_schemes",
    "load_terms",
    "propose",
    "records",
    "records_of",
    "scope_notes",
]
