"""The protected toy lake of tests/publication, for the stage after it."""

from tests.publication.conftest import protected

__all__ = ["protected"]
