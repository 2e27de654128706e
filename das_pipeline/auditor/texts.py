"""Whether a text is made of declared texts: these, in full or in the pieces around what is filled in, and numbers that are explained."""

from __future__ import annotations

import html
import re
from collections import defaultdict
from collections.abc import Collection, Iterable
from functools import lru_cache

TAG, SLOT, SPACE = re.compile(r"<[^>]*>"), re.compile(r"\{[^{}]*\}"), re.compile(r"[ \n]+")
NUMBER = re.compile(r"\d+(?:[.,\u00a0\u202f]\d+)*")
BETWEEN = frozenset(" ,.:;·–−-()*†…≈+/%'’")
_MARKS, _VISIBLE = (re.escape("".join(sorted(marks))) for marks in (BETWEEN, BETWEEN - {" "}))
MANY = re.compile(rf"([{_VISIBLE}])(?: ?\1){{2}}$|[{_MARKS}]{{6}}$")  # so many that they could count: one of them thrice, or six in a row
NONE: frozenset[str] = frozenset()


@lru_cache(maxsize=1 << 16)  # the same words and numbers stand on every page
def plain(text: str) -> str:
    """The text with single spaces, and none at its ends."""
    return SPACE.sub(" ", text).strip(" ")


class Vocabulary:
    """Every text that was declared."""

    def __init__(self, texts: Iterable[str]) -> None:
        self.whole: set[str] = set()
        self._pieces: dict[str, set[str]] = defaultdict(set)  # by their first three characters
        self._known: dict[tuple[str, frozenset[str]], bool] = {}
        for text in texts:
            for part in TAG.split(text):
                self.whole.add(plain(html.unescape(part)))
                for piece in SLOT.split(html.unescape(part)):
                    self.add(piece)

    def add(self, piece: str) -> None:
        """Add one more piece."""
        if piece := plain(piece):
            self._pieces[piece[:3]].add(piece)

    def explains(self, text: str, numbers: Collection[str] = NONE) -> bool:
        """Whether `text` consists of declared pieces, of `numbers` as they are written, and of punctuation."""
        text = plain(text)
        if text in self.whole:
            return True
        key = (text, frozenset(numbers))
        if key not in self._known:
            self._known[key] = self._is_made_of_pieces(text, key[1])
        return self._known[key]

    def _is_made_of_pieces(self, text: str, numbers: frozenset[str]) -> bool:
        """Whether the end of the text can be reached piece by piece. A piece does not begin or end within a word or number."""
        reached, to_visit = {0}, [0]
        while to_visit:
            at = to_visit.pop()
            if at == len(text):
                return True
            for end in self._ends(text, at, numbers):
                if end not in reached:
                    reached.add(end)
                    to_visit.append(end)
        return False

    def _ends(self, text: str, at: int, numbers: frozenset[str]) -> Iterable[int]:
        if text[at] in BETWEEN and not MANY.search(text[max(0, at - 5) : at + 1]):
            yield at + 1
        for length in (1, 2, 3):
            for piece in self._pieces.get(text[at : at + length], ()):
                end = at + len(piece)
                if text.startswith(piece, at) and not (end < len(text) and piece[-1].isalnum() and text[end].isalnum()):
                    yield end
        number = NUMBER.match(text, at)
        if number and number.group() in numbers:
            yield number.end()
