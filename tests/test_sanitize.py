"""What the sanitizers are to look at."""

from tests.sanitize import ROOT, TESTS, extensions


def test_every_extension_is_found_with_its_sources_and_tests() -> None:
    found = extensions()
    assert found
    for name, sources in found:
        assert name.startswith("socktui.")
        assert all((ROOT / source).suffix == ".c" and (ROOT / source).exists() for source in sources)
    assert [path for pattern in TESTS for path in (ROOT / "tests/engine").glob(pattern)]
