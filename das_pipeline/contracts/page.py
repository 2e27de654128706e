"""The page that explains every key of a jurisdiction's files: `python -m das_pipeline.contracts.page` writes docs/configuration.md."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from das_pipeline.contracts.schemas import KINDS, schema
from das_pipeline.settings import PROJECT

PAGE = PROJECT / "docs" / "configuration.md"
OPENING = """# Every key of a jurisdiction's files

Made by `python -m das_pipeline.contracts.page` from the models that load the files; do not edit.

`das check` reads all files of a jurisdiction and names each mistake with its file, line and key. An editor does so while you write:
the first line of each file names its schema in [`schemas`](../schemas), which `das contracts schema` writes.

- A text that YAML reads as something else is quoted: `"NO"`, `"010"`, `"0000000000"`. Unquoted it is refused, never converted.
- A key that is not on this page, or twice in one place, is refused.
- A share is of 1: `0.05` is 5 %.
- Code lists, mappings and schemes are CSV files: see [terminology.md](terminology.md).
"""


def page() -> str:
    """Return the page: each kind of file, each of its parts, each key with its type, default and meaning."""
    return "\n".join([OPENING, *_lines()]) + "\n"


def _lines() -> Iterator[str]:
    explained: set[str] = set()
    for kind in KINDS:
        made = schema(kind)
        yield from (f"## {kind.pattern.replace('*/*', '<partner>/<file>').replace('*', '<name>')}", "", kind.says, "")
        parts = {kind.model.__name__: made} | made.get("$defs", {})
        for name, part in parts.items():
            if not part.get("properties") or name in explained:
                continue
            explained.add(name)
            if part is not made:
                yield from (f"### {name}", "", part.get("description", "").split("\n\n")[0].replace("\n", " "), "")
            yield from ("| key | what it is | default | meaning |", "|---|---|---|---|")
            needed = part.get("required") or part.get("anyOf", [{}])[0].get("required", [])
            for key, declared in part["properties"].items():
                default = "required" if key in needed else _shown(declared.get("default"))
                yield f"| `{key}` | {_type(declared)} | {default} | {declared['description'].replace('|', '&#124;').replace('<', '&lt;')} |"
            yield ""
        if "properties" not in made:
            yield from (f"By name: {_type(made)}.", "")


def _shown(default: Any) -> str:
    if default is None:
        return "none"
    if default == []:
        return "empty"
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def _type(declared: dict[str, Any]) -> str:
    if "$ref" in declared:
        name = declared["$ref"].rsplit("/", 1)[-1]
        return "text in each language" if name == "Text" else f"[{name}](#{name.lower()})"
    if "anyOf" in declared:
        return " or ".join(dict.fromkeys(_type(d) for d in declared["anyOf"] if d.get("type") != "null"))
    if "enum" in declared:
        return ", ".join(f"`{word}`" for word in declared["enum"])
    if "const" in declared:
        return f"`{declared['const']}`"
    if declared.get("type") == "array":
        items = declared.get("prefixItems") or [declared["items"]]
        return "list of " + _type(items[0]) if "prefixItems" not in declared else f"[{', '.join(_type(i) for i in items)}]"
    if declared.get("type") == "object":
        values = declared.get("additionalProperties") or next(iter(declared.get("patternProperties", {}).values()), {})
        return f"name -> {_type(values)}" if values else "keys and values"
    bounds = [f"{word} {declared[key]:g}" for key, word in (("minimum", "from"), ("maximum", "to")) if key in declared]
    words = {"string": "text", "integer": "whole number", "boolean": "true or false"}
    kind = str(declared.get("type", "anything"))
    named = "day" if declared.get("format") == "date" else words.get(kind, kind)
    return " ".join([named, *bounds])


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
