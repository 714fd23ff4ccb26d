"""The benchmark counts what it should, reckons right, and plays what its scripts say."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import goals, hot_path
from benchmarks.__main__ import END, MARK, write_page
from benchmarks.crew import Crew, Post, Task
from benchmarks.peers import ROOT, search_path
from benchmarks.scripts import FRAGMENT, Kind, Script, encoded, pieces
from benchmarks.sections import BARE, KEPT, SDK, Section, short
from benchmarks.server import cost, serving
from benchmarks.suite import CALLS, EVERYONE, PROBABLE, Row
from benchmarks.worker import Order, obey, quantiles, reason
from cascadeflow import CascadeAgent, ModelConfig, collect

CHUNKS = 30
HERE = [row for row in (*EVERYONE.values(), *PROBABLE.values(), *CALLS.values()) if not row.peer]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with serving() as url:
        yield url


def urls(server: str, kinds: tuple[Kind, ...], pause: float = 0.0) -> list[str]:
    return [f"{server}{Script(CHUNKS, kind, pause).path}/v1" for kind in kinds]


@pytest.mark.parametrize("row", HERE, ids=lambda row: f"{row.client}-{row.kinds[0]}")
def test_each_client_counts_all_chunks_of_every_answer(server: str, row: Row) -> None:
    if row.client == "httpx2":
        pytest.importorskip("httpx2")
    order = Order(client=row.client, urls=urls(server, row.kinds), chunks=CHUNKS, times=2)
    figures = asyncio.run(obey(order))
    assert len(figures.totals) == 2
    assert len(figures.firsts) == 2


def test_a_client_that_misses_chunks_is_not_measured(server: str) -> None:
    order = Order(client="bare", urls=urls(server, ("text",)), chunks=CHUNKS + 1)
    with pytest.raises(ExceptionGroup) as caught:
        asyncio.run(obey(order))
    assert "30 of 31" in str(caught.value.exceptions[0])


def test_the_draft_is_kept_or_abandoned_as_the_rows_say(server: str) -> None:
    async def ask(asked: list[str]) -> tuple[bool | None, str]:
        models = [
            ModelConfig(f"m{n}", "openai", 0.001, api_key="none", base_url=url)
            for n, url in enumerate(asked)
        ]
        async with CascadeAgent(models) as agent:
            result = await collect(agent.stream_events("Go", max_tokens=1000))
        return result.draft_accepted, result.attempts[0]["outcome"]

    kept = urls(server, EVERYONE[KEPT].kinds, 0.002)
    assert asyncio.run(ask(kept)) == (True, "accepted")
    long = [f"{server}{Script(20_000).path}/v1"] * 2
    assert asyncio.run(ask(long)) == (True, "accepted")
    replaced = EVERYONE["cascadeflow, draft replaced"].kinds
    assert asyncio.run(ask(urls(server, replaced, 0.002))) == (False, "abandoned")


def test_many_streams_are_read_at_once_and_the_loop_is_watched(server: str) -> None:
    order = Order(
        client="ours", urls=urls(server, ("text", "text"), 0.002), chunks=CHUNKS, streams=5,
        probe=0.005,
    )  # fmt: skip
    figures = asyncio.run(obey(order))
    assert len(figures.totals) == 5
    assert min(figures.totals) > 0.002 * (CHUNKS - 1) * 0.9
    assert sum(figures.totals) > figures.wall
    assert figures.late


def test_a_worker_tells_its_figures_and_why_it_could_not(server: str) -> None:
    good = Task(Post("bare"), {"urls": urls(server, ("text",)), "chunks": CHUNKS})
    bad = Task(Post("bare"), {"urls": urls(server, ("text",)), "chunks": CHUNKS * 2})
    before = cost(server)
    with Crew() as crew:
        told = crew.rounds("t", {"good": good, "bad": bad}, 1)
    assert list(told) == ["good"]
    assert len(told["good"]) == 1
    assert "t: bad" in crew.skipped
    assert cost(server) >= before


def test_a_script_is_named_by_its_path() -> None:
    script = Script(300, "hopeless", 0.02)
    assert Script.of(f"{script.path}/v1/chat/completions") == script


@pytest.mark.parametrize("anthropic", [False, True])
def test_a_script_has_as_many_writes_as_chunks_and_one_for_the_end(anthropic: bool) -> None:
    assert len(encoded(Script(7), anthropic=anthropic)) == 8


def test_fragments_of_tool_arguments_make_one_object() -> None:
    fragments = list(pieces(Script(9, "tool")))
    assert {len(fragment) for fragment in fragments} == {FRAGMENT}
    assert json.loads("".join(fragments))["text"].endswith(" quick brow")


def test_a_ratio_is_the_median_of_the_ratios_within_each_round() -> None:
    rows = {BARE: [1.0, 10.0, 2.0], KEPT: [2.0, 10.0, 6.0]}
    section = Section(title="t", unit="µs", rows=rows)
    assert section.ratio(KEPT, BARE) == 2.0
    assert section.ratio(KEPT, SDK) is None
    assert section.median(KEPT) == 6.0


def test_tables_hold_every_row_with_its_spread_and_ratio() -> None:
    section = Section(title="t", unit="µs", rows={BARE: [1.0, 3.0]}, uvloop={BARE: [0.5]})
    table = list(section.table())
    assert table[0] == ["", "µs", "spread", f"of {BARE}", "µs on uvloop"]
    assert table[1] == [BARE, "2.00", "1.00 to 3.00", "1.00", "0.500"]


@pytest.mark.parametrize(
    ("figure", "said"), [(None, "-"), (1234.5, "1,234"), (12.34, "12.3"), (0.0412, "0.0412")]
)
def test_figures_are_said_with_three_digits(figure: float | None, said: str) -> None:
    assert short(figure) == said


def test_quantiles_of_nothing_are_zero() -> None:
    assert quantiles([]) == [0.0, 0.0, 0.0]
    assert quantiles([3.0, 1.0, 2.0])[::2] == [2.0, 3.0]


def test_a_goal_is_met_up_to_its_limit_and_says_when_it_was_not_measured() -> None:
    assert goals.Goal("g", 1.25, 1.25).verdict == "met"
    assert goals.Goal("g", 1.26, 1.25).verdict == "NOT MET"
    assert goals.Goal("g", None, 1.25).verdict == "not measured"


def test_every_goal_is_listed_even_where_nothing_was_measured() -> None:
    assert {goal.verdict for goal in goals.goals({}, {}, {})} == {"not measured"}


def test_goals_compare_with_the_bare_client_and_the_sdk() -> None:
    rows = {BARE: [2.0], KEPT: [2.4], SDK: [80.0]}
    section = Section(title="t", unit="µs", rows=rows)
    figures = {goal.limit: goal.figure for goal in goals.goals({"firehose": section}, {}, {})}
    assert figures[0.04] == pytest.approx(0.03)
    assert figures[1.25] == pytest.approx(1.2)


def test_the_guard_names_what_became_slower_beyond_its_tolerance() -> None:
    guard = goals.Guard({"firehose": 2.0, "paced": 1.0}, tolerance=0.25)
    assert guard.fallen({"firehose": 2.5, "paced": 1.0}) == []
    fallen = guard.fallen({"firehose": 2.51, "paced": 0.9})
    assert len(fallen) == 1
    assert "firehose" in fallen[0]


def test_ratios_that_are_kept_are_read_again(tmp_path: Path) -> None:
    goals.keep({"firehose": 2.0}, tmp_path / "expected.json")
    assert goals.kept(tmp_path / "expected.json") == goals.Guard({"firehose": 2.0}, 0.25)


def test_slow_drafts_alone_tell_no_median_of_decisions() -> None:
    slow = {"median_us": 9.0, "p99_us": 9.0, "us_per_delta": 9.0}
    told = [goal.figure for goal in goals.goals({}, {}, {"all of them": slow})][-3:]
    assert told == [None, 9.0, None]
    told = [goal.figure for goal in goals.goals({}, {}, {"all of them": slow, "recorded": slow})]
    assert told[-3:] == [9.0, 9.0, 9.0]


def test_the_guard_knows_only_sections_that_are_measured() -> None:
    assert set(goals.kept().ratios) <= set(goals.GUARDED)


def test_an_unknown_kind_of_script_is_refused() -> None:
    with pytest.raises(ValueError, match="kind of a script is 'video'"):
        Script.of("/3-video-0/v1")


def test_a_peer_of_our_name_does_not_find_our_checkout(tmp_path: Path) -> None:
    assert search_path("uvloop", tmp_path) == str(ROOT)
    found = Path(search_path("index", tmp_path))
    assert [each.name for each in found.iterdir()] == ["benchmarks"]


def test_new_figures_replace_those_between_the_marks_of_a_page(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"# Text\n\n{MARK}\n\nold\n\n{END}\n\nMore\n", "utf-8")
    write_page(page, "new")
    assert page.read_text("utf-8") == f"# Text\n\n{MARK}\n\nnew\n\n{END}\n\nMore\n"


def test_the_reason_of_many_failures_is_that_of_the_first() -> None:
    failures = ExceptionGroup("many", [ExceptionGroup("", [OSError("no route")]), ValueError("x")])
    assert reason(failures) == "OSError: no route"


def test_the_profile_tells_what_each_file_takes(server: str) -> None:
    alone, shares = asyncio.run(hot_path.measure(f"{server}{Script(300).path}/v1", 300))
    assert alone > 0
    assert shares["streaming/base.py"].calls >= 300
    assert {"(aiohttp)", "(built in)", "providers/sse.py"} <= shares.keys()
    assert sum(share.seconds for share in shares.values()) > 0


def test_a_checkout_that_is_called_as_the_package_changes_no_name() -> None:
    file = hot_path.PACKAGE / "streaming" / "base.py"
    assert hot_path.place(str(file)) == "streaming/base.py"
    library = "/home/me/cascadeflow/.venv/lib/python3.11/site-packages/aiohttp/client.py"
    assert hot_path.place(library) == "(aiohttp)"
    assert hot_path.place("/home/me/cascadeflow/benchmarks/hot_path.py") == "(other)"
