"""What the tree of a page does not show: comments, instructions, attributes given twice, and what lies behind its end."""

from __future__ import annotations

from html.parser import HTMLParser


class Syntax(HTMLParser):
    """What a tree of the page does not show: comments, instructions, and what a parser leaves out."""

    def __init__(self, raw: bytes, elements: int) -> None:
        super().__init__(convert_charrefs=True)
        self.wrong, self.opened, self.ended = 0, 0, False
        try:
            self.feed(raw.decode("utf-8"))
            self.close()
        except UnicodeDecodeError:
            self.wrong += 1
        self.wrong += self.opened != elements

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        self.opened += 1
        self.wrong += len({name for name, _ in attrs}) != len(attrs)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        self.ended = tag == "html"

    def handle_data(self, data: str) -> None:
        self.wrong += self.ended and data.strip("\n") != ""

    def handle_comment(self, data: str) -> None:  # noqa: ARG002
        self.wrong += 1

    def handle_decl(self, decl: str) -> None:
        self.wrong += decl != "doctype html"

    def handle_pi(self, data: str) -> None:  # noqa: ARG002
        self.wrong += 1

    def unknown_decl(self, data: str) -> None:  # noqa: ARG002
        self.wrong += 1
