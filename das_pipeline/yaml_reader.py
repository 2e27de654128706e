"""YAML as it is written: nothing is read as another value than its text says, and every value knows its line.

YAML 1.1 reads `NO` as false, `010` as 8, `1:30` as 90, and the last of two equal keys wins. Here such text is a fault that asks for
quotes. Numbers, true, false and null are read in one way of writing each; days stay text, for the model that expects a day.
"""

from __future__ import annotations

import importlib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from das_pipeline.errors import ConfigurationError, Fault


def _parser() -> Any:
    """Return PyYAML's parser: in C where the wheel has it, which is ten times faster, and every stage reads contracts."""
    if yaml.__with_libyaml__:
        return importlib.import_module("yaml.cyaml").CParser
    from yaml.composer import Composer
    from yaml.parser import Parser
    from yaml.reader import Reader
    from yaml.scanner import Scanner

    class PlainParser(Reader, Scanner, Parser, Composer):
        def __init__(self, text: str) -> None:
            Reader.__init__(self, text)
            Scanner.__init__(self)
            Parser.__init__(self)
            Composer.__init__(self)

    return PlainParser


Loc = Sequence[str | int]  # the way to a value: keys and positions from the top
_PLAIN, _OTHER = "plain", "other"  # tags: unquoted text, and what is quoted or a collection
_WORDS: dict[str, bool | None] = {"": None, "null": None, "true": True, "false": False}
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]*)")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:e[-+]?[0-9]+)?")
_CHANGED = re.compile(  # what one of YAML's versions reads as another value than its text
    r"~|null|yes|no|on|off|true|false|[-+]?\.(?:inf|nan)|[-+]?0[0-9_]+|[-+]?0[xob][0-9a-f_]+|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?"
    r"|[-+]?(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9_]+)(?:e[-+]?[0-9]+)?|=|<<",
    re.IGNORECASE,
)
_ODD = {"\t": "tab", "\u00a0": "no-break space", "“": "typographic quote", "”": "typographic quote", "„": "typographic quote"}
_HIDDEN = {"Cc", "Cf", "Co", "Cn", "Cs"}  # categories of characters that nobody sees


class _Nodes(_parser()):
    """YAML's tree of nodes; a tag says whether a text is unquoted."""

    def resolve(self, kind: type, value: Any, implicit: Any) -> str:  # noqa: ARG002
        return _PLAIN if kind is yaml.ScalarNode and implicit[0] else _OTHER

    def descend_resolver(self, parent: Any, index: Any) -> None: ...

    def ascend_resolver(self) -> None: ...

    def check_resolver_prefix(self, depth: int, path: Any, parent: Any, index: Any) -> bool:  # noqa: ARG002
        return False


@dataclass
class Document:
    """A file as a tree of nodes."""

    file: str
    root: yaml.Node | None
    _faults: list[Fault] = field(default_factory=list)

    @classmethod
    def parse(cls, file: str, text: str) -> Document:
        """Return the document in `text`; ConfigurationError names the line where it is no YAML."""
        try:
            return cls(file, _Nodes(text).get_single_node())
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
            problem = getattr(error, "problem", None) or "it has a character that YAML does not allow"
            place = getattr(error, "position", None)  # of a character that YAML does not allow
            number = mark.line if mark else text.count("\n", 0, place) if isinstance(place, int) else -1
            lines = text.split("\n")
            odd = next((name for sign, name in _ODD.items() if 0 <= number < len(lines) and sign in lines[number]), None)
            look = (
                f"There is a {odd} on this line, where YAML has blanks and plain quotes."
                if odd
                else "Look at quotes, colons and indents here."
            )
            form = "JSON" if file.endswith(".json") else "YAML"
            raise ConfigurationError(faults=[Fault(file, number + 1, "", f"no valid {form}: {problem}. {look}")]) from None

    def value(self) -> Any:
        """Return its content; ConfigurationError has every text that would be changed, hidden or doubled."""
        self._faults = []
        content = None if self.root is None else self._value(self.root, (), frozenset())
        if self._faults:
            raise ConfigurationError(faults=self._faults)
        return content

    def line(self, loc: Loc) -> int:
        """Return the line of the value at `loc`, or of the last part of the way that is there."""
        node, line = self.root, 1
        for step in loc:
            if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
                node = node.value[step]
                line = node.start_mark.line + 1
            elif isinstance(node, yaml.MappingNode):
                pair = next(((k, v) for k, v in node.value if k.value == str(step)), None)
                if pair is None:
                    continue
                node, line = pair[1], pair[0].start_mark.line + 1
        return line

    def _refuse(self, node: yaml.Node, loc: Loc, sentence: str) -> None:
        self._faults.append(Fault(self.file, node.start_mark.line + 1, dotted(loc), sentence))

    def _value(self, node: yaml.Node, loc: tuple[str | int, ...], within: frozenset[int]) -> Any:
        if id(node) in within:
            self._refuse(node, loc, "it contains itself through an alias: write it out.")
            return None
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, loc)
        if node.tag != _OTHER:
            self._refuse(node, loc, f"remove the tag {node.tag}.")
        if isinstance(node, yaml.SequenceNode):
            return [self._value(child, (*loc, i), within | {id(node)}) for i, child in enumerate(node.value)]
        content: dict[str, Any] = {}
        lines: dict[str, int] = {}
        for key_node, child in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self._refuse(key_node, loc, "a key must be one word or text.")
                continue
            self._scalar(key_node, (*loc, key_node.value))
            key = key_node.value
            if key in content:
                self._refuse(key_node, (*loc, key), f"the key is here twice, first on line {lines[key]}: remove one.")
            lines.setdefault(key, key_node.start_mark.line + 1)
            content[key] = self._value(child, (*loc, key), within | {id(node)})
        return content

    def _scalar(self, node: yaml.ScalarNode, loc: tuple[str | int, ...]) -> Any:
        text: str = node.value
        if node.tag == _PLAIN:
            if text in _WORDS:
                return _WORDS[text]
            if _INTEGER.fullmatch(text):
                return int(text) if text != "-0" else 0
            if _NUMBER.fullmatch(text):
                return float(text)
            if _CHANGED.fullmatch(text):
                self._refuse(node, loc, _advice(text))
                return None
        elif node.tag != _OTHER:
            self._refuse(node, loc, f"remove the tag {node.tag}.")
        if odd := oddity(text if node.style not in ("|", ">") else text.removesuffix("\n")):
            self._refuse(node, loc, odd)
        return text


def dotted(loc: Loc) -> str:
    """Return the way to a value as a reader writes it: `columns[3].type`."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in loc).removeprefix(".")


def oddity(text: str) -> str | None:
    """Return what nobody sees in `text` and nothing will ever match: blanks at its edges, hidden characters, marks that stand apart."""
    if len(text) > 1 and text != text.strip():
        blank = text[0] if text[0].isspace() else text[-1]
        return f"it has a blank at its edge ({_named(blank)}), so nothing ever equals it: remove it."
    if text.isascii():
        hidden = next((c for c in text if c < " " and c not in "\t\n"), None)
    else:
        hidden = next((c for c in text if unicodedata.category(c) in _HIDDEN and c not in "\t\n"), None)
        if hidden is None and not unicodedata.is_normalized("NFC", text):
            return "a letter and its accent are two characters here (not NFC), so it does not equal the usual spelling: type it again."
    return f"it has the hidden character {_named(hidden)}: remove it." if hidden else None


def _named(character: str) -> str:
    return f"{unicodedata.name(character, 'a control character').lower()} (U+{ord(character):04X})"


def _advice(text: str) -> str:
    if text == "<<":
        return "keys are not taken over from elsewhere here: write them out."
    if text == "=":
        return 'write "=" in quotes: unquoted, YAML gives it a meaning of its own.'
    read = {"yes": "true", "on": "true", "no": "false", "off": "false"}.get(text.lower())
    if read:
        return f'write "{text}" in quotes if it is a text, {read} if it is not: unquoted, YAML reads {text} as {read}.'
    if text.lower() in {"true", "false", "null", "~"}:
        return f'write "{text}" in quotes if it is a text, {"null" if text == "~" else text.lower()} if it is not.'
    return f'write "{text}" in quotes if it is a text, or the plain number: unquoted, YAML may read {text} as another number.'
