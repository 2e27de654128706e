"""One language of the site: its words, and how it writes numbers, dates, months, shares and changes.

The words and the forms of a language are in texts/words.yaml of the jurisdiction. Shares and changes follow disclosure control: they are
computed only from protected counts, and never more precisely than these allow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from markupsafe import Markup

from das_pipeline.errors import ConfigurationError
from das_pipeline.jurisdiction import Text
from das_pipeline.publication.texts import Forms, Words

SHARE_FROM, ROUGH_SHARE_FROM, SURE_SHARE_FROM = 100, 50, 500
CHANGE_FROM, CHANGE_AT_LEAST, FINE_CHANGE_FROM = 200, 10, 10_000


@dataclass(frozen=True)
class Language:
    """The words of one language, and the formats that depend on it."""

    code: str
    words: Words

    @property
    def is_first(self) -> bool:
        """Whether its pages are at the root of the site."""
        return self.code == next(iter(self.words.languages))

    @property
    def forms(self) -> Forms:
        return self.words.languages[self.code]

    def text(self, text: Text | dict[str, str]) -> str:
        """`text` in this language."""
        return text[self.code]

    def say(self, word: str, **parts: Any) -> str:
        """The word or sentence `word`, with its parts filled in."""
        try:
            return self.text(self.words.words[word]).format(**parts)
        except KeyError as missing:
            raise ConfigurationError(f"texts/words.yaml: {word} lacks {missing}.") from None

    def say_html(self, word: str, **parts: Any) -> Markup:
        """The same for a page: parts may contain markup, the rest is escaped."""
        return Markup(self.text(self.words.words[word])).format(**parts)

    def number(self, n: float, decimals: int = 0) -> str:
        """`n` as written in this language, with a real minus sign."""
        whole, _, part = f"{n:,.{decimals}f}".replace("-", "−").partition(".")
        return whole.replace(",", self.forms.thousands) + (self.forms.decimal + part if part else "")

    def date(self, day: date) -> str:
        """`day` in full."""
        return self.forms.date.format(day=day.day, month=self.forms.months[day.month - 1], year=day.year)

    def period(self, period: str) -> str:
        """`2024`, `1e kwartaal 2024` or `maart 2024`."""
        return self.words.period(period, self.code)

    def share(self, part: int, whole: int) -> str | None:
        """`part` of `whole` in percent; None where the protected counts are too small for a share."""
        if whole < ROUGH_SHARE_FROM:
            return None
        step = 1 if whole >= SHARE_FROM else 5
        percent = round(100 * part / whole / step) * step
        if whole < SURE_SHARE_FROM or percent in {0, 100}:
            if percent < 5:
                return self.say("under_5")
            if percent > 95:
                return self.say("over_95")
        return self.say("percent", n=self.number(percent))

    def exact_share(self, part: int, whole: int) -> str | None:
        """`part` of `whole` in percent with one decimal, for another publisher's exact figures."""
        return self.say("percent", n=self.number(100 * part / whole, 1)) if whole else None

    def change(self, new: int, old: int, before: str) -> str:
        """How `new` differs from `old`, the count of the period `before`, in words."""
        difference = new - old
        if abs(difference) < CHANGE_AT_LEAST:
            return self.say("about_the_same", before=before)
        direction = "more" if difference > 0 else "fewer"
        if old < CHANGE_FROM:
            return self.say(direction, before=before)
        decimals = 1 if old >= FINE_CHANGE_FROM else 0
        percent = round(100 * abs(difference) / old, decimals)
        if not percent:
            return self.say("about_the_same", before=before)
        return self.say(f"percent_{direction}", percent=self.number(percent, decimals), before=before)

    def edition(self, changes: Mapping[str, Any]) -> str:
        """What an edition changed: the kinds of change in its changes.json."""
        kinds = ("added", "revised", "became_final", "removed")
        changed = [self.say(f"edition_{kind}", n=self.number(changes[kind])) for kind in kinds if changes[kind]]
        return self.say("edition_changes", changes=", ".join(changed)) if changed else self.say("edition_unchanged")

    def signed_change(self, new: int, old: int) -> str:
        """The same in a table: a signed percentage, or only a sign where the counts are too small for one."""
        difference = new - old
        if abs(difference) < CHANGE_AT_LEAST:
            return "≈"
        sign = "+" if difference > 0 else "−"
        if old < CHANGE_FROM:
            return sign
        decimals = 1 if old >= FINE_CHANGE_FROM else 0
        percent = round(100 * abs(difference) / old, decimals)
        return self.say("percent", n=sign + self.number(percent, decimals)) if percent else "≈"
