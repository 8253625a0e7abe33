"""A verdict that nobody can misread."""

from tests.bench.targets import Target, targets_table, verdicts


def test_the_median_decides_and_the_spread_is_told() -> None:
    target = Target.of_pairs("speed / theirs", [90, 60, 80], [100, 100, 100], 0.7)
    assert target.measured == "0.80 (0.60 to 0.90, 3)"
    assert target.verdict == "yes"
    assert Target.of_pairs("speed / theirs", [90, 60, 60], [100, 100, 100], 0.7).verdict == "no"


def test_a_bound_may_be_the_most() -> None:
    assert Target("time", [99.0], 100.0, most=True, unit=" ms").row() == [
        "time",
        "99 ms (99 to 99, 1)",
        "at most 100 ms",
        "yes",
    ]
    assert Target("time", [101.0], 100.0, most=True).verdict == "no"


def test_a_pair_without_an_end_is_left_out() -> None:
    target = Target.of_pairs("speed / theirs", [10, 20, 0], [0, 10, 10], 1.0)
    assert target.measured == "2.00 (2.00 to 2.00, 1)"


def test_what_is_not_there_is_neither_met_nor_missed() -> None:
    target = Target.of_pairs("speed / theirs", [10.0], [], 1.0)
    assert target.verdict == "not measured"
    assert "| speed / theirs | – | at least 1.00 | not measured |" in targets_table([target])
    assert verdicts([target, target]) == "Of 2 targets, 0 are met, 0 are not, and 2 could not be measured."


def test_a_summary_counts() -> None:
    kept, missed = Target("time", [1.0], 2.0, most=True), Target("time", [3.0], 2.0, most=True)
    assert verdicts([kept, missed, kept]) == "Of 3 targets, 2 are met, 1 are not."
