#!/usr/bin/env bash
# pySHACL 0.40.1 on rdflib 7.6.0: sh:datatype lets ill-typed literals pass and refuses a well-formed one.
# A date without a time conforms to xsd:dateTime, "1E3" and "NaN" to xsd:decimal; midnight written
# "T24:00:00", which XML Schema allows, is a violation.
# Expected: SHACL makes an ill-typed literal of a datatype that SPARQL 1.1 supports (both are) a
# violation, and XML Schema says what is ill-typed; here Python's own parsers decide.
# For a catalogue (DCAT-AP) validated before publication: a stricter portal can refuse the same file,
# so check lexical forms with sh:pattern as well.
# Tried on Python 3.11; a version of Python whose parser learns 24:00 can change one line.
set -euo pipefail
tmp="$(mktemp -d)"
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install --quiet --disable-pip-version-check --no-compile 'pyshacl==0.40.1' 'rdflib==7.6.0'
cd "$tmp"
"$tmp/venv/bin/python" - <<'PY'
import logging
import re
import sys
from importlib.metadata import version

from pyshacl import validate
from rdflib import BNode, Graph, Literal, URIRef
from rdflib.namespace import RDF, SH, XSD

logging.disable(logging.CRITICAL)  # rdflib logs a traceback for a literal that it cannot convert
print("pyshacl", version("pyshacl"), "| rdflib", version("rdflib"), "| python", sys.version.split()[0])

NODE, PATH = URIRef("urn:case:1"), URIRef("urn:case:value")

# Lexical space by XML Schema 1.1 part 2, for the two datatypes looked at here.
DATE = r"-?([1-9]\d{3,}|0\d{3})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"
ZONE = r"(Z|[+-](0\d|1[0-3]):[0-5]\d|[+-]14:00)?"
LEXICAL = {
    XSD.dateTime: DATE + r"T(([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?|24:00:00(\.0+)?)" + ZONE,
    XSD.decimal: r"[+-]?(\d+(\.\d*)?|\.\d+)",
}


def conforms(text, datatype):
    data, shapes = Graph(), Graph()
    data.add((NODE, PATH, Literal(text, datatype=datatype, normalize=False)))
    shape, prop = BNode(), BNode()
    for triple in [(shape, RDF.type, SH.NodeShape), (shape, SH.targetNode, NODE),
                   (shape, SH.property, prop), (prop, SH.path, PATH), (prop, SH.datatype, datatype)]:
        shapes.add(triple)
    return validate(data, shacl_graph=shapes)[0]


cases = [  # text, datatype, what pySHACL says
    ("2024-03-31T00:00:00", XSD.dateTime, True),
    ("2024-03-31", XSD.dateTime, True),
    ("2024-03-31T12:00", XSD.dateTime, True),
    ("2024-03-31T24:00:00", XSD.dateTime, False),
    ("yesterday", XSD.dateTime, False),
    ("1000.0", XSD.decimal, True),
    ("1E3", XSD.decimal, True),
    ("NaN", XSD.decimal, True),
    ("many", XSD.decimal, False),
]
print(f"\n{'literal':22}{'datatype':14}{'XML Schema':12}pySHACL")
for text, datatype, seen in cases:
    legal = re.fullmatch(LEXICAL[datatype], text) is not None
    answer = conforms(text, datatype)
    mark = "" if legal == answer else "  <- differs"
    name = "xsd:" + datatype.split("#")[1]
    print(f"{text:22}{name:14}{'legal' if legal else 'ill-typed':12}"
          f"{'conforms' if answer else 'violation'}{mark}")
    assert answer == seen, f"{text} as {datatype}: the answer has changed"
print("confirmed: four ill-typed literals conform, one well-formed literal does not")
PY
