"""How partners write a date, as a contract declares it: `dd-mm-yyyy`, `m/d/yyyy h:mm:ss AM`.

yyyy, mm, dd are four or two digits, m and d one or two. The time of day, after a blank or a T, is checked and not kept: hh (00 to 23,
and 24:00) or with AM h and hh (1 to 12), mm, ss. Everything else is itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

USUAL = (
    "yyyy-mm-dd",
    "dd-mm-yyyy",
    "d-m-yyyy",
    "dd/mm/yyyy",
    "mm/dd/yyyy",
    "m/d/yyyy",
    "m/d/yyyy h:mm:ss AM",
    "yyyymmdd",
    "yyyy-mm-dd hh:mm:ss",
)
_DAY = {"yyyy": "[0-9]{4}", "mm": "[0-9]{2}", "m": "[0-9]{1,2}", "dd": "[0-9]{2}", "d": "[0-9]{1,2}"}
_TIME = {"hh": "([01][0-9]|2[0-3])", "h": "(1?[0-9]|2[0-3])", "mm": "[0-5][0-9]", "ss": "([0-5][0-9]|60)"}
_TWELVE = {"hh": "(0[1-9]|1[0-2])", "h": "(0?[1-9]|1[0-2])", "AM": "(AM|PM|am|pm)"}
_FORM = re.compile(r"([ymd]+(?:([-/. ]?)[ymd]+\2[ymd]+))(?:([ T])(hh?:mm(?::ss)?)( ?AM)?)?")


@dataclass(frozen=True)
class DateForm:
    """A form of dates: the regular expression of a text that has it, and of each of its parts in turn; `order` names the parts."""

    parts: tuple[str, ...]  # of the date: words of _DAY
    separator: str
    rest: str  # the regular expression of the time of day

    @property
    def pattern(self) -> str:
        """What the whole text is, with a group for each part of the date."""
        return re.escape(self.separator).join(f"({_DAY[part]})" for part in self.parts) + self.rest

    def group(self, letter: str) -> int:
        """The group of the year, month or day: y, m or d."""
        return next(n for n, part in enumerate(self.parts, start=1) if part[0] == letter)

    def start(self, letter: str) -> int | None:
        """The first position of that part, from 1; None when a part before it has no fixed width."""
        before = self.parts[: self.group(letter) - 1]
        if any(len(part) == 1 for part in self.parts):
            return None
        return 1 + sum(len(part) + len(self.separator) for part in before)


def date_form(format: str) -> DateForm:
    """The form that a contract declares; ValueError when it is none."""
    match = _FORM.fullmatch(format)
    if match is None:
        raise ValueError(f"{format} is no form of a date")
    day, separator, between, time, twelve = match.groups()
    parts = tuple(day.split(separator)) if separator else tuple(re.findall(r"y+|m+|d+", day))
    if sorted(part[0] for part in parts) != ["d", "m", "y"] or not set(parts) <= set(_DAY) or (not separator and len(day) != 8):
        raise ValueError(f"{format} is no form of a date")
    rest = ""
    if time:
        words = _TIME | (_TWELVE if twelve else {})
        rest = ":".join(words[word] for word in time.split(":"))
        rest = rest + " " * twelve.count(" ") + words["AM"] if twelve else f"({rest}|{':'.join(['24', '00', '00'][: time.count(':') + 1])})"
        rest = between + rest
    return DateForm(parts, separator or "", rest)


def is_form(format: str) -> bool:
    try:
        date_form(format)
    except ValueError:
        return False
    return True


def both_ways(one: str, other: str) -> str | None:
    """Return a day as `one` writes it that is another day in the form `other`; None when there is none."""
    form, otherwise = date_form(one), date_form(other)
    text = form.separator.join({"y": "2024", "m": "04", "d": "03"}[part[0]] for part in form.parts)
    match = re.fullmatch(replace(otherwise, rest="").pattern, text) if form.rest == otherwise.rest else None
    if match is None:
        return None
    year, month, day = (int(match[otherwise.group(letter)]) for letter in "ymd")
    return text if (year, month, day) != (2024, 4, 3) and year >= 1900 and 1 <= month <= 12 and 1 <= day <= 28 else None


def date_sql(text: str, format: str) -> str:
    """The SQL expression for the date in the expression `text`; NULL when it has not this form, or is no day of the calendar."""
    form = date_form(format)
    if not form.rest and form.start("d") is not None:
        read = format.replace("yyyy", "%Y").replace("mm", "%m").replace("dd", "%d")
        return f"CASE WHEN regexp_full_match({text}, '{form.pattern}') THEN CAST(try_strptime({text}, '{read}') AS DATE) END"
    pattern, parts = f"'{form.pattern}'", []
    for letter, width in (("y", 4), ("m", 2), ("d", 2)):
        start = form.start(letter)
        found = f"regexp_extract({text}, {pattern}, {form.group(letter)})"
        parts.append(f"lpad({found}, {width}, '0')" if start is None else f"substr({text}, {start}, {width})")
    iso = " || '-' || ".join(parts)
    return f"CASE WHEN regexp_full_match({text}, {pattern}) THEN TRY_CAST({iso} AS DATE) END"
