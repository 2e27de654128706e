"""Text that decodes but is not right: letters read in another character set, and signs that nobody sees.

Judged on the decoded text, whatever the declared character set; never repaired.
"""

from __future__ import annotations

# UTF-8 that was read as windows-1252 and written as UTF-8 again: the first and second byte of a letter as two letters. Real words that have
# such a pair are not known: an accented capital A does not precede a sign or a capital Z.
_TWICE = "[\u00c2-\u00c5][\u0080-\u00bf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]"
# Code page 437, 850, 1250 or that of old Apple computers, read as windows-1252: its letters become signs inside a word. Of the first kind
# no word ends in one either; a quotation mark or an ellipsis does end a word. A few begin none, and a capital follows no small letter.
_SIGNS = "\\pL[‚ƒ„ˆ‰‹˜¡¢¤]|\\pL[“”…†‡•™›£¥¦§¨©«¬¯±»]\\pL|[€¥¯]\\p{Ll}|\\p{Ll}[ŠŒŽŸ]|\\p{Lu}[ŽŸ]\\p{Ll}"
# What a decoder left of a letter, marks of the order of bytes, signs without width, and the second range of control characters.
_UNSEEN = "[\\x{7f}-\\x{9f}\\x{200b}\\x{200e}\\x{200f}\\x{2028}-\\x{202e}\\x{2060}\\x{feff}\\x{fffd}-\\x{ffff}]"
# A letter that is still written for another medium: the names that HTML has for letters and signs, a letter in UTF-8 as a web address
# or an e-mail writes it (%C3%A9, =C3=A9), and its number in the source of a program.
_NAMED = "amp|lt|gt|quot|apos|nbsp|szlig|euro|aelig|oelig|[a-zA-Z](?:acute|grave|circ|uml|tilde|cedil|ring|slash|caron)"
_BYTES = "".join(f"|{mark}(?:[cCdD][0-9a-fA-F]|[eE][0-9a-fA-F]{mark}[89abAB][0-9a-fA-F]){mark}[89abAB][0-9a-fA-F]" for mark in "%=")
_NUMBERED = "\\\\(?:u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2})"
_CODED = f"&(?:{_NAMED}|#[0-9]{{2,6}}|#x[0-9a-fA-F]{{2,5}});{_BYTES}"
_WRONG = f"{_TWICE}|{_SIGNS}|{_UNSEEN}|{_CODED}"
# In a line, the only control character is a tab; a value may also have ends of lines, but no carriage return alone.
IN_LINE = f"{_WRONG}|[\\x00-\\x08\\x0a-\\x1f]"
# A line that is no JSON has no numbered letters; in JSON they are letters like others.
IN_PLAIN_LINE = f"{IN_LINE}|{_NUMBERED}"
# Blanks, ends of lines and signs without width, at the edges of a code.
BLANKS = " \t\n\r\u00a0\u00ad\u1680" + "".join(map(chr, range(0x2000, 0x200E))) + "\u202f\u205f\u2060\u3000\ufeff"
IN_VALUE = f"{_WRONG}|{_NUMBERED}|[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f]|\\r(?:[^\\n]|$)"
# What a line must have one of before any of these, or a value below, can be in it: anything but the other printable signs of ASCII.
ODD = "[^ !\"$'-;>-\\[\\]-~]"
# What a spreadsheet, in any language, or a program writes for nothing, for an error, or for a number too wide to show: no text that a
# person would write. And a number protected as `="0012"`.
NO_VALUE = '#[¡¿]?[\\p{Lu}0-9/_]+[!?]|#N/[A-Z]+|#NV|#{3,}|\\\\N|<(?:NA|null|NULL)>|="(?s:.*)'
# What no name of a person has: a question mark for a letter that a character set did not have, a sign before a letter, and what a program
# writes before an apostrophe.
IN_NAME = "\\pL\\?\\pL|[?£¤¨¸¢…]\\pL|\\\\"
# A number as a spreadsheet or a program makes it of one that is longer, or of a whole one; and what has neither letters nor digits.
NO_NUMBER = "[0-9](?:[.,][0-9]+[eE][+]?|[eE][+])[0-9]+|[0-9]+[.,]0+|'[0-9].*|[^\\pL\\pN]+"
# The same in words, which may be a name, but no number of a case or a person.
NO_KEY = ("NULL", "NONE", "NIL", "NAN", "NAT", "NA", "N/A", "N/B", "NVT", "N.V.T.", "UNDEFINED", "(NULL)", "[NULL]")
