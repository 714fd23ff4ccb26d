"""Tool calls put together from fragments, however a server cuts them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cascadeflow.core.calls import (
    MAX_ARGUMENTS,
    MAX_CALLS,
    MAX_NAME,
    CallClosed,
    CallFragment,
    Calls,
    CallStarted,
    CallStep,
    normalise_arguments,
)
from cascadeflow.errors import ProtocolError
from cascadeflow.types import ToolCall, ToolCallDelta

PARIS, OSLO = '{"city":"Paris"}', '{"city":"Oslo"}'


def D(
    index: int | None, id: str = "", name: str = "", arguments: str = "", closed: bool = False
) -> ToolCallDelta:
    return ToolCallDelta(index, id, name, arguments, closed)


def fold(
    deltas: Iterable[ToolCallDelta], offered: Sequence[str] = ()
) -> tuple[list[CallStep], list[tuple[str, str, str]]]:
    """All steps, and the calls as (id, name, arguments); the steps must tell the same calls."""
    calls = Calls(offered)
    steps: list[CallStep] = []
    for delta in deltas:
        steps += calls.add(delta)
    steps += calls.finish()
    found = [(call.id, call.name, call.arguments) for call in calls.calls]
    assert told(steps) == found
    assert calls.calls == tuple(calls.call(position) for position in range(len(found)))
    return steps, found


def told(steps: Iterable[CallStep]) -> list[tuple[str, str, str]]:
    """The calls as a listener to the steps knows them; checks the order of the steps."""
    heads: dict[int, CallStarted] = {}
    parts: dict[int, list[str]] = {}
    closed: set[int] = set()
    for step in steps:
        match step:
            case CallStarted():
                assert step.position not in heads
                heads[step.position], parts[step.position] = step, []
            case CallFragment():
                assert step.arguments
                parts[step.position].append(step.arguments)
            case CallClosed():
                assert step.position in heads
                assert step.position not in closed
                closed.add(step.position)
    assert closed == set(range(len(heads)))
    return [
        (heads[n].id, heads[n].name, normalise_arguments("".join(parts[n]))) for n in sorted(heads)
    ]


def test_a_call_is_announced_when_its_arguments_begin() -> None:
    calls = Calls()
    assert calls.add(D(0, "c1", "get_")) == []
    assert calls.add(D(0, name="weather")) == []
    assert calls.add(D(0, arguments='{"a"')) == [
        CallStarted(0, "c1", "get_weather"),
        CallFragment(0, '{"a"'),
    ]
    assert calls.add(D(0, arguments=":1}")) == [CallFragment(0, ":1}")]
    assert calls.finish() == [CallClosed(0)]
    assert calls.finish() == []
    assert calls.calls == (ToolCall("c1", "get_weather", '{"a":1}'),)


def test_a_call_without_arguments_is_announced_when_another_begins() -> None:
    calls = Calls()
    calls.add(D(0, "c1", "now"))
    assert calls.add(D(1, "c2", "get", PARIS)) == [
        CallStarted(0, "c1", "now"),
        CallStarted(1, "c2", "get"),
        CallFragment(1, PARIS),
    ]


def test_a_call_is_closed_by_the_server_or_at_the_end() -> None:
    calls = Calls()
    steps = calls.add(D(3, "c1", "now", "{}", closed=True))
    assert steps == [CallStarted(0, "c1", "now"), CallFragment(0, "{}"), CallClosed(0)]
    calls.add(D(5, "c2", "now"))
    assert calls.finish() == [CallStarted(1, "c2", "now"), CallClosed(1)]


def test_a_call_without_arguments_is_closed_by_what_comes_next() -> None:
    calls = Calls()
    assert calls.add(D(3, "c1", "now", closed=True)) == [CallStarted(0, "c1", "now")]
    assert calls.add(D(5, "c2", "now", closed=True)) == [CallClosed(0), CallStarted(1, "c2", "now")]
    assert calls.finish() == [CallClosed(1)]


def test_the_next_call_closes_one_whose_brackets_are_closed() -> None:
    steps, _ = fold([D(0, "a", "f", PARIS), D(1, "b", "g", OSLO)])
    assert [type(step) for step in steps] == [CallStarted, CallFragment, CallClosed] * 2


def test_the_next_call_does_not_close_one_that_may_still_grow() -> None:
    steps, found = fold(
        [D(0, "a", "f"), D(1, "b", "f"), D(0, arguments='{"x":"}'), D(1, arguments="{}"),
         D(0, arguments='"}')]
    )  # fmt: skip
    assert found == [("a", "f", '{"x":"}"}'), ("b", "f", "{}")]
    assert steps[-2:] == [CallClosed(0), CallClosed(1)]


TWO = [("a", "get_weather", PARIS), ("b", "get_weather", OSLO)]


@pytest.mark.parametrize(
    "deltas",
    [
        pytest.param([D(0, *TWO[0]), D(1, *TWO[1])], id="whole calls"),
        pytest.param([D(None, *TWO[0]), D(None, *TWO[1])], id="no index"),
        pytest.param([D(0, *TWO[0]), D(0, *TWO[1])], id="one index for both"),
        pytest.param(
            [D(0, "a", "get_weather"), D(1, "b", "get_weather"), D(0, arguments=PARIS[:6]),
             D(1, arguments=OSLO[:3]), D(0, arguments=PARIS[6:]), D(1, arguments=OSLO[3:])],
            id="interleaved",
        ),
        pytest.param(
            [D(0, "a", "get_weather"), D(0, "b", "get_weather"), D(0, "a", "", PARIS[:6]),
             D(0, "b", "", OSLO[:3]), D(0, "a", "", PARIS[6:]), D(0, "b", "", OSLO[3:])],
            id="interleaved by id alone",
        ),
        pytest.param(
            [D(0, "a", "get_weather", PARIS[:6]), D(0, "a", "get_weather", PARIS[6:]),
             D(1, "b", "get_weather", OSLO[:6]), D(1, "b", "get_weather", OSLO[6:])],
            id="id and name in every fragment",
        ),
        pytest.param(
            [D(None, "a", "get_weather", PARIS[:6]), D(None, "a", "get_weather", PARIS[6:]),
             D(None, "b", "get_weather", OSLO[:6]), D(None, "b", "get_weather", OSLO[6:])],
            id="id and name in every fragment, no index",
        ),
        pytest.param(
            [D(None, "a", "get_weather"), D(None, arguments=PARIS[:6]),
             D(None, arguments=PARIS[6:]), D(None, "b", "get_weather"), D(None, arguments=OSLO)],
            id="id once, no index",
        ),
        pytest.param(
            [D(None, "a", "get_weather"), D(0, arguments=PARIS[:6]), D(0, arguments=PARIS[6:]),
             D(1, "b", "get_weather"), D(None, arguments=OSLO)],
            id="index here and there",
        ),
        pytest.param(
            [D(0, "a", "get_"), D(0, name="weather"), D(0, arguments=PARIS),
             D(1, "b", "get_"), D(1, name="wea"), D(1, name="ther", arguments=OSLO)],
            id="names in pieces",
        ),
        pytest.param(
            [D(0, "a", "get_weather"), D(0, name="get_weather"), D(0, "", "get_weather", PARIS[:6]),
             D(0, "", "get_weather", PARIS[6:]), D(1, "b", "get_weather"),
             D(1, "", "get_weather", OSLO)],
            id="names repeated",
        ),
        pytest.param(
            [D(1, "a", "get_weather"), D(1, arguments=""), D(1, arguments=PARIS), D(1, closed=True),
             D(2, "b", "get_weather"), D(2, arguments=OSLO, closed=True)],
            id="blocks that end",
        ),
        pytest.param(
            [D(0, "a"), D(0, name="get_weather"), D(0, arguments=PARIS),
             D(0, "b"), D(0, name="get_weather"), D(0, arguments=OSLO)],
            id="id before the name",
        ),
        pytest.param(
            [D(0, "a", "", PARIS[:4]), D(0, name="get_weather"), D(0, arguments=PARIS[4:]),
             D(1, "b", "get_weather", OSLO)],
            id="name after arguments",
        ),
    ],
)  # fmt: skip
def test_each_way_of_cutting_gives_the_same_two_calls(deltas: list[ToolCallDelta]) -> None:
    assert fold(deltas)[1] == TWO
    assert fold(deltas, ["get_weather"])[1] == TWO


@pytest.mark.parametrize(
    "deltas",
    [
        pytest.param([D(0, "", "f", PARIS), D(1, "", "f", OSLO)], id="index"),
        pytest.param([D(None, "", "f", PARIS), D(None, "", "f", OSLO)], id="nothing, same name"),
        pytest.param([D(0, "", "f", PARIS), D(0, "", "f", OSLO)], id="one index, same name"),
        pytest.param(
            [
                D(0, "", "f"),
                D(0, arguments=PARIS),
                D(0, "", "f"),
                D(1, "", "f"),
                D(1, "", "", OSLO),
            ],
            id="fragments",
        ),
    ],
)
def test_calls_without_ids_get_unique_ones(deltas: list[ToolCallDelta]) -> None:
    assert fold(deltas)[1] == [("call_0", "f", PARIS), ("call_1", "f", OSLO)]


def test_calls_of_different_tools_without_index_and_id_are_two() -> None:
    assert fold([D(None, "", "f", "{}"), D(None, "", "g", "{}")])[1] == [
        ("call_0", "f", "{}"),
        ("call_1", "g", "{}"),
    ]


def test_a_line_end_behind_the_arguments_is_no_call_though_the_name_comes_with_it() -> None:
    assert len(fold([D(0, "", "f", PARIS), D(0, "", "f", "\n")])[1]) == 1


def test_known_names_tell_two_calls_without_arguments_from_one_split_name() -> None:
    deltas = [D(None, "", "now"), D(None, "", "then")]
    assert [name for _, name, _ in fold(deltas)[1]] == ["nowthen"]
    assert [name for _, name, _ in fold(deltas, ["now", "then"])[1]] == ["now", "then"]
    assert [name for _, name, _ in fold(deltas, ["nowthen"])[1]] == ["nowthen"]


def test_known_names_tell_a_doubled_piece_from_a_repeated_name() -> None:
    deltas = [D(0, "a", "l"), D(0, name="l"), D(0, name="m", arguments="{}")]
    assert fold(deltas, ["llm"])[1] == [("a", "llm", "{}")]


def test_an_id_given_twice_is_made_unique() -> None:
    _, found = fold([D(0, "a", "f", "{}"), D(1, "a", "g", "{}"), D(2, "call_1", "h", "{}")])
    assert len({id for id, _, _ in found}) == 3
    assert found[0][0] == "a"


def test_a_made_up_id_keeps_clear_of_ids_that_were_given() -> None:
    _, found = fold([D(0, "call_1", "f", "{}"), D(1, "", "g", "{}")])
    assert found[0][0] == "call_1" != found[1][0]


def test_a_made_up_id_does_not_change_once_it_is_known() -> None:
    calls = Calls(prefix="turn2_")
    assert calls.add(D(0, "", "f", "{"))[0] == CallStarted(0, "turn2_0", "f")
    calls.add(D(0, "late", "", "}"))
    assert calls.calls[0].id == "turn2_0"


def test_a_call_whose_name_never_comes_is_told_at_the_end() -> None:
    steps, found = fold([D(0, "a", "", "{"), D(0, arguments="}")])
    assert found == [("a", "", "{}")]
    assert steps == [CallStarted(0, "a", ""), CallFragment(0, "{}"), CallClosed(0)]


def test_a_server_may_give_every_fragment_of_a_call_an_id_of_its_own() -> None:
    parts = [D(0, "a", "f"), D(0, "b", "", PARIS[:9]), D(0, "c", "", PARIS[9:]), D(0, "d")]
    assert fold([*parts, D(1, "e", "f", OSLO)])[1] == [("a", "f", PARIS), ("e", "f", OSLO)]


def test_an_empty_fragment_begins_nothing() -> None:
    assert fold([D(0), D(None, closed=True), D(7, closed=True)]) == ([], [])


def test_a_late_fragment_of_a_closed_call_is_kept_not_lost() -> None:
    _, found = fold([D(0, "a", "f", "{}"), D(1, "b", "g", "{}"), D(0, arguments="{}")])
    assert found[0] == ("a", "f", "{}{}")


def test_doubled_arguments_stay_one_invalid_call() -> None:
    assert fold([D(0, "a", "f", PARIS), D(0, "a", "f", PARIS)])[1] == [("a", "f", PARIS * 2)]


def test_brackets_in_strings_and_escapes_cut_in_two_do_not_close_a_call() -> None:
    pieces = ['{"a":"\\', '"}{', '","b":[{', "}]}"]
    steps, found = fold([D(0, "a", "f"), *(D(0, arguments=p) for p in pieces), D(1, "b", "g")])
    assert json.loads(found[0][2]) == {"a": '"}{', "b": [{}]}
    assert steps.index(CallClosed(0)) < steps.index(CallStarted(1, "b", "g"))


def test_more_calls_than_allowed_are_refused() -> None:
    calls = Calls()
    for n in range(MAX_CALLS):
        calls.add(D(n, f"c{n}", "f", "{}"))
    with pytest.raises(ProtocolError, match="128 tool calls") as caught:
        calls.add(D(MAX_CALLS, "one more", "f", "{}"))
    assert (caught.value.kind, caught.value.retryable) == ("protocol", False)


@pytest.mark.parametrize("piece", ["x" * 4096, "ä" * 2048])
def test_longer_arguments_than_allowed_are_refused(piece: str) -> None:
    calls = Calls()
    calls.add(D(0, "a", "f"))
    for _ in range(MAX_ARGUMENTS // 4096):
        calls.add(D(0, arguments=piece))
    with pytest.raises(ProtocolError, match="1048576 bytes"):
        calls.add(D(0, arguments="y"))


def test_a_longer_name_than_allowed_is_refused() -> None:
    with pytest.raises(ProtocolError, match="name is longer"):
        Calls().add(D(0, "a", "f" * (MAX_NAME + 1)))


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("", "{}"),
        (" \n", "{}"),
        ("null", "null"),
        (PARIS, PARIS),
        (f"```json\n{PARIS}\n```", PARIS),
        (f" ```JSON {PARIS}```\n", PARIS),
        (f"```\n{PARIS}\n```", PARIS),
        ("```json\n```", "{}"),
        ("```", "```"),
        (f"```json\n{PARIS}", f"```json\n{PARIS}"),
        (PARIS + PARIS, PARIS + PARIS),
        (PARIS + " and more", PARIS + " and more"),
        ('{"a":"\\ud83d"}', '{"a":"\\ud83d"}'),
    ],
)
def test_arguments_are_normalised_only_where_that_is_certain(text: str, normal: str) -> None:
    assert normalise_arguments(text) == normal
    assert normalise_arguments(normal) == normal


NAMES = st.sampled_from(["get_weather", "search", "f", "llm_llm", "now"])
VALUES = st.dictionaries(
    st.text(max_size=4), st.text(max_size=8) | st.integers() | st.lists(st.booleans()), max_size=3
)


@st.composite
def cut(draw: st.DrawFn, text: str) -> list[str]:
    edges = sorted(draw(st.lists(st.integers(0, len(text)), max_size=4)))
    return [text[a:b] for a, b in zip([0, *edges], [*edges, len(text)], strict=True)]


@st.composite
def streams(draw: st.DrawFn) -> tuple[list[ToolCallDelta], list[tuple[str, str, str]]]:
    """Two or three calls, cut at any place, their fragments interleaved in any order."""
    calls: list[tuple[str, str, str]] = []
    queues: list[list[ToolCallDelta]] = []
    repeats_id = draw(st.booleans())
    repeats_name = draw(st.booleans())
    for index in range(draw(st.integers(2, 3))):
        id, name, text = f"id{index}", draw(NAMES), json.dumps(draw(VALUES))
        names = [name] if repeats_name else draw(cut(name))
        queue = [D(index, id, names[0]), *(D(index, "", piece) for piece in names[1:])]
        queue += [
            D(index, id if repeats_id else "", name if repeats_name else "", piece)
            for piece in draw(cut(text))
        ]
        calls.append((id, name, text))
        queues.append(queue)
    # Calls appear in their order; after that any fragment may come next.
    deltas = [queue.pop(0) for queue in queues]
    while any(queues):
        deltas.append(draw(st.sampled_from([queue for queue in queues if queue])).pop(0))
    return deltas, calls


@given(streams())
def test_parallel_calls_cut_anywhere_and_interleaved_come_out_once(
    stream: tuple[list[ToolCallDelta], list[tuple[str, str, str]]],
) -> None:
    deltas, calls = stream
    offered = ["get_weather", "search", "f", "llm_llm", "now"]
    assert fold(deltas, offered)[1] == calls


@given(
    st.lists(
        st.builds(
            D,
            st.none() | st.integers(0, 2),
            st.sampled_from(["", "", "a", "b"]),
            st.sampled_from(["", "", "f", "get_"]),
            st.sampled_from(["", "{", "}", '"', "\\", "{}"]),
            st.booleans(),
        ),
        max_size=12,
    )
)
def test_any_fragments_give_calls_with_unique_ids_and_all_their_text(
    deltas: list[ToolCallDelta],
) -> None:
    calls = Calls()
    steps = [step for delta in deltas for step in calls.add(delta)] + calls.finish()
    ids = [call.id for call in calls.calls]
    assert len(set(ids)) == len(ids) == sum(isinstance(step, CallStarted) for step in steps)
    assert all(ids)
    given = sorted("".join(delta.arguments for delta in deltas))
    assert given == sorted("".join(s.arguments for s in steps if isinstance(s, CallFragment)))
