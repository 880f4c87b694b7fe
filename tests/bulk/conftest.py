"""On which databases do imports run? On both, each test with one of its own."""

from tests.storage.conftest import db, furnished, furnished_url, postgres, sqlite_files, url

__all__ = ["db", "furnished", "furnished_url", "postgres", "sqlite_files", "url"]
