"""What the terminology steward has signed off: `terminology/sign_offs.csv`, one row per mapping set that changes many concepts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from das_pipeline.errors import ConfigurationError, Fault
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.terminology.tables import DATE, Shape, read_tables

FILE = "terminology/sign_offs.csv"
SIGN_OFFS = Shape(
    columns=("mapping_version", "owner", "reason", "expires_on"),
    patterns={"mapping_version": "[0-9a-f]{12}", "expires_on": DATE},
    key=("mapping_version",),
)


@dataclass(frozen=True)
class SignOff:
    """The steward's word that the changes of one mapping set are meant. It holds until `expires_on`, that day included."""

    mapping_version: str
    owner: str
    reason: str
    expires_on: date


def load_sign_offs(jurisdiction: Jurisdiction) -> list[SignOff]:
    """Return every sign-off; none when the jurisdiction has no such file. ConfigurationError names the line of a mistake."""
    signed = []
    for line in read_tables(jurisdiction, jurisdiction.files(FILE), SIGN_OFFS):
        try:
            expires_on = date.fromisoformat(line["expires_on"])
        except ValueError:
            sentence = f"{line['expires_on']} is not a day of the calendar."
            raise ConfigurationError(faults=[Fault(line.file, line.row, "expires_on", sentence)]) from None
        signed.append(SignOff(line["mapping_version"], line["owner"], line["reason"], expires_on))
    return signed
