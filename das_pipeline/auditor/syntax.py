"""The grammar of a page: what the tree of a page does not show cannot be in it, for nothing but tags and text is allowed.

A comment, an instruction, a character set of its own, a quotation mark left out or something behind the end does not fit the grammar.
"""

from __future__ import annotations

import re

_ATTRIBUTE = ' [a-zA-Z][a-zA-Z0-9-]*+(?:="[^"]*+")?'
_PAGE = re.compile(rf"<!doctype html>\n(?:[^<]++|<[a-z][a-z0-9]*+(?:{_ATTRIBUTE})*+/?>|</[a-z][a-z0-9]*+>)*+")
_START = re.compile(rf"<[a-z][a-z0-9]*+((?:{_ATTRIBUTE})*+)/?>")
_NAME = re.compile(' ([a-zA-Z][a-zA-Z0-9-]*+)(?:="[^"]*+")?')
_END = re.compile("</html>\n*")


def syntax_faults(raw: bytes, elements: int) -> int:
    """The faults in a page whose tree has `elements` elements: what a parser repairs or leaves out, and attributes given twice."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return 1
    if not _PAGE.fullmatch(text) or not _END.fullmatch(text, max(text.find("</html>"), 0)):
        return 1
    tags = _START.findall(text)
    repeated = (len(names) - len(set(names)) for names in map(_NAME.findall, tags))
    return (len(tags) != elements) + sum(repeated)
