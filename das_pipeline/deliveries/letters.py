"""Text that decodes but is not right: letters read in another character set, and signs that nobody sees.

Judged on the decoded text, whatever the declared character set; never repaired.
"""

from __future__ import annotations

# UTF-8 that was read as windows-1252 and written as UTF-8 again: the first and second byte of a letter as two letters. Real words that have
# such a pair are not known: an accented capital A does not precede a sign or a capital Z.
_TWICE = "[\u00c2-\u00c5][\u0080-\u00bf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]"
# Code page 437, 850 or that of old Apple computers, read as windows-1252: its letters become signs inside a word. Of the first kind no
# word ends in one either; a quotation mark or an ellipsis does end a word.
_SIGNS = "\\pL[‚ƒ„ˆ‰‹˜¡¢¤]|\\pL[“”…†‡•™›£¥¦§¨©«¬¯±»]\\pL|\\p{Ll}[ŠŒŽŸ]\\p{Ll}"
# What a decoder left of a letter, marks of the order of bytes, signs without width, and the second range of control characters.
_UNSEEN = "[\\x{7f}-\\x{9f}\\x{200b}\\x{200e}\\x{200f}\\x{2028}-\\x{202e}\\x{2060}\\x{feff}\\x{fffd}-\\x{ffff}]"
_WRONG = f"{_TWICE}|{_SIGNS}|{_UNSEEN}"
# In a line, the only control character is a tab; a value may also have ends of lines, but no carriage return alone.
IN_LINE = f"{_WRONG}|[\\x00-\\x08\\x0a-\\x1f]"
# Blanks and signs without width, at the edges of a code.
BLANKS = " \t\u00a0\u00ad\u1680" + "".join(map(chr, range(0x2000, 0x200E))) + "\u202f\u205f\u2060\u3000\ufeff"
IN_VALUE = f"{_WRONG}|[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f]|\\r(?:[^\\n]|$)"
