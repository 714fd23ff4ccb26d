from __future__ import annotations

from pathlib import Path

import pytest

from training.abandonment import Boundary, Draft, Look, boundaries, drafts, main, trial

from .recordings import rows, write


def draft(number: int) -> Draft:
    """Good if even; its first look tells nothing, its second all."""
    end = 2.0 if number % 2 == 0 else -2.0
    return Draft(
        file="gsm8k__a__b",
        group=("gsm8k", number % 5, "a"),
        looks=[Look(0, 0.0, (1.0, 0.0)), Look(1, 0.4, (1.0, end))],
        odds=end,
        draft=float(end > 0),
        strong=1.0,
    )


KNOWN = [draft(number) for number in range(1000)]


def test_a_look_that_tells_gives_up_bad_drafts_early_and_costs_nothing() -> None:
    _, lost, rejected, given_up, used, *_ = trial(KNOWN, boundaries(KNOWN), 1.0)
    assert lost == pytest.approx(0, abs=1e-9)
    assert (rejected, given_up, used) == (0.5, 1.0, 0.4)


def test_a_narrow_boundary_gives_up_on_what_tells_nothing() -> None:
    _, lost, rejected, _, used, *_ = trial(KNOWN, boundaries(KNOWN), 0.0)
    assert (rejected, used) == (1.0, 0.0)
    assert lost >= 0


def test_a_stage_that_was_hardly_seen_has_no_boundary() -> None:
    assert Boundary(KNOWN[:50]).highest(KNOWN[0].looks[0], 0.0) == float("inf")


def test_a_group_has_no_part_in_its_own_boundary() -> None:
    others = [each for each in KNOWN if each.group[1] != 0]
    assert not boundaries(KNOWN[::5])["gsm8k", 0, "a"].highest(KNOWN[0].looks[1], 1.0) < 1e9
    alone, among = Boundary(others), boundaries(KNOWN)["gsm8k", 0, "a"]
    look = KNOWN[0].looks[1]
    assert among.highest(look, 1.0) == pytest.approx(alone.highest(look, 1.0))


def test_drafts_of_long_answers_are_seen_before_they_begin_and_at_their_end(tmp_path: Path) -> None:
    write(tmp_path / "gsm8k__a__b.jsonl", rows(60))
    write(tmp_path / "triviaqalp__a__b.jsonl", rows(60))
    seen = list(drafts(tmp_path))
    assert len(seen) == 60
    assert all(each.looks[0].used == 0 for each in seen)


def test_a_directory_that_cannot_be_read_ends_with_2(tmp_path: Path) -> None:
    assert main([str(tmp_path)]) == 2
    assert main([]) == 2
