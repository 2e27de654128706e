"""The one console that every verb prints to."""

from rich.console import Console

console = Console(width=min(max(Console().width, 120), 140))
