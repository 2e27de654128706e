"""What must be true of a delivery before its rows are in force."""

from __future__ import annotations

INTAKE = ("I01", "I02", "I03", "I04", "I05", "I07", "I08", "I09", "I11", "I12", "I13", "K01", "K02", "K03", "K06", "K08")
EXTERNAL = ("I01", "I04", "I11", "K06")
