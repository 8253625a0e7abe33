"""Fixtures for the tests of TLS."""

from pathlib import Path

import pytest

from tests.engine.tls.certificates import Certificates


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    """An authority of the test's own, which nobody trusts that is not told to."""
    return Certificates(tmp_path)
