"""The quotations of qotd."""

import re

from socktui.services.quotations import QUOTATIONS


def test_quotations_are_as_rfc_865_wants_them() -> None:
    for quotation in QUOTATIONS:
        assert len(quotation) + 2 < 512
        assert re.fullmatch(r"[ -~]+", quotation)
    assert len(set(QUOTATIONS)) == len(QUOTATIONS)
