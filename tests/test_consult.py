"""The hearing of a finished draft in the pure core: signals in, commands and events out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal

import pytest

from cascadeflow.core import events
from cascadeflow.core.cascade import Cascade, State
from cascadeflow.core.ledger import exact_sum
from cascadeflow.core.referee import Expert, Referee
from cascadeflow.core.tier import Rules
from cascadeflow.errors import ProviderError
from cascadeflow.result import CascadeResult
from cascadeflow.types import (
    Delta,
    ReasoningDelta,
    Started,
    Stop,
    TextDelta,
    ToolCallDelta,
    UsageDelta,
)

from .advising import Asks, Heedful, make_rules
from .play import BROKEN, DOLLAR, WHOLE, Marked, brief, names, tier, tokens, whole

YES: list[Delta] = whole("0.9", 1)
NO: list[Delta] = whole("0.2", 1)
DOWN = ProviderError("down", kind="server")


class Hearing:
    """One query of two tiers, up to the hearing of its first draft."""

    def __init__(self, rules: Rules, draft: Sequence[Delta] = (), *, models: int = 2) -> None:
        self.cascade = Cascade([tier(f"m{i}") for i in range(models)], rules, id="q")
        self.told = self.cascade.start(0.0)
        self.told += self.cascade.receive(1, draft or whole("Paris.", 3), 2.0)

    @property
    def inquiries(self) -> tuple[events.Inquiry, ...]:
        """Of the last hearing."""
        hearings = [c for c in self.cascade.commands if isinstance(c, events.Consult)]
        return hearings[-1].inquiries if hearings else ()

    def hears(self, attempt: int, heard: Sequence[Delta] | ProviderError, now: float = 3.0) -> None:
        self.told += self.cascade.consulted(attempt, heard, now)

    def goes_on(self) -> CascadeResult:
        """The last tier answers, if it is asked; what holds of every ended query."""
        cascade = self.cascade
        if not cascade.over:
            self.told += cascade.receive(len(cascade.ledger.rows), whole("Rome.", 5), 20.0)
        ledger, last = cascade.ledger, self.told[-1]
        assert all(row.outcome != "open" for row in ledger.rows)
        assert ledger.total == exact_sum(row.usd for row in ledger.rows)
        assert isinstance(last, events.Completed | events.Errored)
        broken = isinstance(last, events.Errored)
        assert (BROKEN if broken else WHOLE).fullmatch(names(self.told))
        result = last.error.result if isinstance(last, events.Errored) else last.result
        assert result.draft_cost + result.verifier_cost == result.total_cost == float(ledger.total)
        return result

    @property
    def evidence(self) -> dict[str, float]:
        (decided,) = [event for event in self.told if isinstance(event, events.Decided)]
        return dict(decided.ruling.estimate.evidence)

    @property
    def outcomes(self) -> list[tuple[str, str, str | None]]:
        return [(row.model, row.outcome, row.error) for row in self.cascade.ledger.rows]


def heard(*judges: Referee, **given: float) -> Hearing:
    return Hearing(make_rules(*judges, **given))  # type: ignore[arg-type]  # numbers only


# --- what an opinion does -------------------------------------------------------------------------


def test_a_good_opinion_keeps_the_draft() -> None:
    hearing = heard(Asks())
    assert brief(hearing.told) == "ROUTING DRAFT_START CHUNK"
    hearing.hears(2, YES)
    assert brief(hearing.told).endswith("DRAFT_DECISION+ COMPLETE")
    result = hearing.goes_on()
    assert (result.content, result.confidence) == ("Paris.", 0.9)
    assert hearing.evidence == {"own": 0.5, "self_check": 0.9}


def test_a_bad_opinion_escalates() -> None:
    hearing = heard(Asks())
    hearing.hears(2, NO)
    result = hearing.goes_on()
    assert (result.content, result.reason) == ("Rome.", "quality_insufficient")
    assert hearing.outcomes == [
        ("m0", "rejected", None), ("m0", "judged", None), ("m1", "answered", None)
    ]  # fmt: skip


def test_the_draft_waits_for_all_and_hears_them_in_the_order_of_the_panel() -> None:
    estimator = Heedful()
    judges = (Asks(count=2), Asks(judge="model"), Asks())
    hearing = Hearing(make_rules(*judges, estimator=estimator))
    for attempt, said in ((5, NO), (4, YES), (3, NO)):
        hearing.hears(attempt, said)
        assert hearing.cascade.state is State.ANSWERING
        assert brief(hearing.told).endswith("CHUNK")
    hearing.hears(2, YES)
    hearing.goes_on()
    opinions = estimator.observed[-1].opinions
    assert [(each.judge, each.p_good) for each in opinions] == [
        ("self_check", 0.2), ("model", 0.9), ("self_check", 0.2)
    ]  # fmt: skip
    assert hearing.evidence == {"own": 0.5, "self_check": 0.2, "model": 0.9, "self_check_2": 0.2}


def test_a_reply_may_come_in_any_number_of_reads() -> None:
    hearing = heard(Asks())
    for delta in (Started("req-7"), ReasoningDelta("hm"), TextDelta("0.9"), UsageDelta(tokens(9))):
        hearing.hears(2, [delta])
    assert not hearing.cascade.over
    hearing.hears(2, [Stop("stop")])
    hearing.goes_on()
    row = hearing.cascade.ledger.rows[1]
    assert (row.request_id, row.usage.output_tokens, row.first_token) == ("req-7", 9, 1.0)


# --- when they are asked --------------------------------------------------------------------------


@pytest.mark.parametrize("p_good", [0.1, 0.95, 1.0])
def test_a_clear_draft_is_not_heard(p_good: float) -> None:
    hearing = Hearing(make_rules(Asks(), estimator=Heedful(0.5)))
    assert hearing.inquiries
    estimator = Heedful(0.5)
    rules = make_rules(Asks(), estimator=estimator)
    cascade = Cascade([tier("m0"), tier("m1")], rules, id="q")
    cascade.start(0.0)
    estimator.observed[-1].p_good = p_good
    cascade.receive(1, whole("Paris.", 3), 2.0)
    assert not any(isinstance(command, events.Consult) for command in cascade.commands)


def test_the_band_of_doubt_can_be_set() -> None:
    assert not Hearing(make_rules(Asks(), unsure=(0.6, 0.9))).inquiries
    assert not Hearing(make_rules(Asks(), unsure=(0.0, 0.5))).inquiries
    assert Hearing(make_rules(Asks(), unsure=(0.5, 0.6))).inquiries


def test_nobody_is_asked_for_an_observer_that_takes_no_advice() -> None:
    assert not Hearing(make_rules(Asks(), estimator=Marked({"hi": 0.5}))).inquiries


def test_a_judge_with_nothing_to_ask_delays_nothing() -> None:
    hearing = heard(Asks(count=0))
    assert len(hearing.cascade.ledger.rows) == 2
    assert hearing.goes_on().warnings == []


def test_calls_of_tools_and_answers_that_are_none_are_not_heard() -> None:
    call: list[Delta] = [ToolCallDelta(0, "c", "find", "{}"), Stop("tool_calls")]
    assert not Hearing(make_rules(Asks()), call).inquiries
    assert not Hearing(make_rules(Asks()), [TextDelta("cut"), Stop(None)]).inquiries


def test_the_last_tier_is_never_heard() -> None:
    hearing = Hearing(make_rules(Asks()), models=1)
    assert hearing.goes_on().content == "Paris."


def test_every_draft_is_heard_on_its_own_tier() -> None:
    hearing = Hearing(make_rules(Asks()), models=3)
    hearing.hears(2, NO)
    hearing.told += hearing.cascade.receive(3, whole("Lyon.", 1), 5.0)
    (inquiry,) = hearing.inquiries
    assert (inquiry.line, inquiry.model, inquiry.attempt) == (1, "m1", 4)
    hearing.hears(4, YES, 6.0)
    assert hearing.goes_on().content == "Lyon."
    assert [row.tier for row in hearing.cascade.ledger.rows] == [0, 0, 1, 1]


# --- money ----------------------------------------------------------------------------------------


def test_what_a_judge_costs_is_a_row_of_the_tier_it_judged() -> None:
    expert = Expert("wise", "elsewhere", DOLLAR, 2)
    hearing = Hearing(make_rules(Asks(judge="model"), experts=(expert,)))
    (inquiry,) = hearing.inquiries
    assert (inquiry.line, inquiry.model) == (2, "wise")
    hearing.hears(2, whole("0.9", 4))
    result = hearing.goes_on()
    assert result.attempts[1]["outcome"] == "judged"
    assert (result.attempts[1]["provider"], result.attempts[1]["tier"]) == ("elsewhere", 0)
    assert (result.draft_cost, result.verifier_cost) == (7.0, 0.0)
    assert result.cost_saved == -4.0


def test_the_time_of_a_draft_does_not_hold_that_of_its_judges() -> None:
    hearing = heard(Asks())
    hearing.hears(2, YES, 9.0)
    result = hearing.goes_on()
    assert (result.draft_latency_ms, result.latency_ms) == (2000.0, 9000.0)


@pytest.mark.parametrize(("max_cost", "asked"), [(3 + 1, True), (3 + 0.5, False), (3 + 0, False)])
def test_they_are_not_asked_if_they_might_overrun_the_budget(max_cost: float, asked: bool) -> None:
    hearing = heard(Asks(), max_cost=max_cost)
    assert bool(hearing.inquiries) == asked


def test_an_inquiry_without_a_limit_is_expected_to_be_long() -> None:
    assert not heard(Asks(max_tokens=None), max_cost=200).inquiries
    assert heard(Asks(max_tokens=None), max_cost=300).inquiries


def test_the_prompt_of_the_next_tier_is_kept_back() -> None:
    rules = make_rules(Asks(), max_cost=10)
    dear = tier("m1", price=type(DOLLAR)(input=Decimal(2_000_000), output=Decimal(0)))
    cascade = Cascade([tier("m0"), dear], rules, id="q")
    cascade.start(0.0)
    cascade.receive(1, whole("Paris.", 3), 2.0)
    assert not any(isinstance(command, events.Consult) for command in cascade.commands)


# --- failure and time -----------------------------------------------------------------------------


def test_a_judge_that_fails_is_a_warning() -> None:
    hearing = heard(Asks())
    hearing.hears(2, DOWN)
    result = hearing.goes_on()
    assert result.content == "Rome."
    assert result.warnings == ["the judge self_check gave no opinion: down"]
    assert hearing.outcomes[1] == ("m0", "failed", "server")
    assert hearing.evidence == {"own": 0.5}


def test_an_answer_that_cannot_be_read_is_a_warning() -> None:
    hearing = heard(Asks())
    hearing.hears(2, [Stop("length", usage=tokens(1))])
    assert hearing.goes_on().warnings == ["the judge self_check gave no opinion: unclear answer"]


def test_opinions_that_come_too_late_are_not_waited_for() -> None:
    hearing = heard(Asks(), Asks(judge="model"))
    assert hearing.cascade.deadline == 12.0
    hearing.hears(3, YES)
    assert hearing.cascade.wake(11.9) == []
    hearing.told += hearing.cascade.wake(12.0)
    result = hearing.goes_on()
    assert result.content == "Paris."
    assert hearing.evidence == {"own": 0.5, "model": 0.9}
    assert hearing.outcomes[1:] == [("m0", "failed", "timeout.total"), ("m0", "judged", None)]
    assert result.warnings == ["the judge self_check gave no opinion: it did not answer in time"]


def test_the_end_of_the_query_ends_the_hearing() -> None:
    hearing = heard(Asks(), total=5.0)
    assert hearing.cascade.deadline == 5.0
    hearing.told += hearing.cascade.wake(5.0)
    hearing.told += hearing.cascade.wake(5.0)
    assert hearing.goes_on().finish_reason is None
    assert isinstance(hearing.told[-1], events.Errored)
    assert hearing.told[-1].error.kind == "timeout.total"


def test_leaving_closes_the_rows_of_the_judges_and_of_the_draft() -> None:
    hearing = heard(Asks(), Asks(judge="model"))
    hearing.hears(2, YES)
    hearing.cascade.close(4.0)
    assert hearing.outcomes == [
        ("m0", "cancelled", None), ("m0", "judged", None), ("m0", "cancelled", None)
    ]  # fmt: skip
    assert hearing.cascade.deadline == math.inf
    assert hearing.cascade.consulted(3, YES, 5.0) == []


def test_signals_that_are_not_of_the_hearing_change_nothing() -> None:
    hearing = heard(Asks())
    before = [row.to_dict() for row in hearing.cascade.ledger.rows]
    assert hearing.cascade.receive(1, whole("late", 7), 3.0) == []
    assert hearing.cascade.fail(1, DOWN, 3.0) == []
    assert hearing.cascade.consulted(1, YES, 3.0) == []
    assert hearing.cascade.consulted(9, YES, 3.0) == []
    assert [row.to_dict() for row in hearing.cascade.ledger.rows] == before
    hearing.hears(2, YES)
    assert hearing.cascade.consulted(2, NO, 3.0) == []
    assert hearing.goes_on().content == "Paris."
