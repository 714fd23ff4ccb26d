"""The catalogue of faults: what is injected, and what must follow. Data only.

The letter of an id is its section: N connection and time, S status codes, H HTTP framing and
encoding, E errors and chunks in the stream, P the syntax of events, T tools, L cascade and life
cycle. A row is played in both dialects and in both positions of a cascade (see `staging.py`);
`trials.py` holds the rows that are no single query.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from cascadeflow import Timeouts

from .expectations import (
    CELSIUS,
    BadCall,
    BothFail,
    Calls,
    Completes,
    CutCall,
    DraftStandsIn,
    Either,
    Ends,
    Expectation,
    FailedCall,
    Fails,
)
from .staging import DIALECTS, PIECES, POSITIONS, QUICK, Dialect, Place, Position, Scene, Seen

Also = Callable[[Seen], Iterator[str]]
"""Another condition: yields what is wrong."""

NOT_ANTHROPIC = "only the OpenAI dialect has this shape"
MULTIBYTE = "Grüße 漢字 😀 – naïve “quotes” é̂ done"
"""What the server sends in single bytes."""
PARIS, OSLO = {"location": "Paris"}, {"location": "Oslo"}
MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, kw_only=True, eq=False)
class Row:
    """One fault."""

    id: str
    fault: str
    """What is injected, in a few words."""
    scene: Scene
    expect: Expectation
    only: Dialect | None = None
    positions: tuple[Position, ...] = POSITIONS
    also: Also | None = None
    slow: bool = False
    """It takes a second or more, or much memory."""

    @property
    def dialects(self) -> tuple[Dialect, ...]:
        """Those that it is played in; the reason for others is `NOT_ANTHROPIC`."""
        return (self.only,) if self.only else DIALECTS


def row(
    id: str,
    fault: str,
    expect: Expectation,
    *,
    place: Place = "server",
    steady: bool = True,
    name: str = "",
    last: str = "",
    behind: str = "ok?tag=V",
    timeouts: Timeouts | None = None,
    settings: dict[str, Any] | None = None,
    options: dict[str, Any] | None = None,
    **more: Any,
) -> Row:
    """A row whose fault is named by the fault server's own word for it."""
    tools = id[0] == "T"
    scene = Scene(
        fault=fault,
        last=last or fault,
        place=place,
        steady=steady,
        behind="tool-ok" if tools else behind,
        tools=tools,
        timeouts=timeouts,
        settings=settings or {},
        options=options or {},
    )
    return Row(id=id, fault=name or fault, scene=scene, expect=expect, **more)


# --- further conditions ---------------------------------------------------------------------------


def asks_for_usage(seen: Seen) -> Iterator[str]:
    """Every OpenAI stream asks for token counts."""
    asked = [request["include_usage"] for request in seen.requests]
    if seen.dialect == "openai" and not all(asked):
        yield f"include_usage was {asked}"


def no_thought(seen: Seen) -> Iterator[str]:
    """Thinking is not part of the answer."""
    if any("SECRET" in event.content for event in seen.of("chunk")):
        yield "a thought is in the text"


def thought_is_told(seen: Seen) -> Iterator[str]:
    """Thinking comes as an event of its own, if asked for."""
    yield from no_thought(seen)
    if not seen.of("reasoning"):
        yield "no REASONING"


def reads_little(seen: Seen) -> Iterator[str]:
    """What comes after a bound was passed is not read."""
    sent = max(request["sent_bytes"] for request in seen.requests)
    if sent > 40 * MEBIBYTE:
        yield f"{sent} bytes were read"


def costs_a_second(seen: Seen) -> Iterator[str]:
    """Large and hostile input costs little."""
    if seen.cpu > 1.0:
        yield f"time: {seen.cpu:.2f} s of CPU"


def stops_near_the_budget(seen: Seen) -> Iterator[str]:
    """A chunk of the flood is about 0.26 dollars; a read may hold several."""
    if not 0.5 < seen.result["total_cost"] < 0.5 + 64 * 0.3:
        yield f"cost {seen.result['total_cost']}"


# --- the rows -------------------------------------------------------------------------------------

NETWORK = (
    row("N01", "connection refused", Fails("connect", 3, within=3), place="refused"),
    row("N02", "host name not found", Fails("dns", 3, within=5), place="unknown host"),
    row("N03", "TLS fails", Fails("tls"), place="no TLS"),
    row("N04", "no connection", Fails("timeout.connect", within=2), place="silent",
        timeouts=Timeouts(connect=0.3),        slow=True),
    row("N05", "hang", Fails("timeout.first_token", within=2), timeouts=QUICK, slow=True),
    row("N06", "slow-head", Fails("timeout.first_token", within=2), timeouts=QUICK, slow=True),
    row("N07", "ttft-60", Fails("timeout.first_token", within=2), timeouts=QUICK, slow=True),
    row("N09", "stall-after-3", Fails("timeout.idle", partial=True, within=2), timeouts=QUICK,
        slow=True),
    row("N11", "drip?delay=0.1", Ends("timeout.total"), settings={"timeouts": Timeouts(total=0.6)},
        steady=False,        slow=True),
    row("N13", "disconnect-before-head|ok", Completes(attempts=2)),
    row("N14", "rst-before-head|ok", Completes(attempts=2)),
    row("N14", "rst-before-head", Fails("incomplete", 3)),
    row("N16", "disconnect-after-head", Fails("incomplete", 3)),
    row("N17", "disconnect-after-3", Fails("incomplete", partial=True)),
    row("N18", "rst-after-3", Fails("incomplete", partial=True)),
    row("N19", "disconnect-mid-event", Fails("incomplete", partial=True)),
    row("N20", "disconnect-before-done", Completes(warning="connection was lost")),
    row("N21", "disconnect-after-3?framing=close", Fails("incomplete", partial=True)),
    row("N21", "truncated-clean-3", Fails("incomplete", partial=True)),
    row("N23", "no-done", Completes(warning=None)),
    row("N24", "no-finish", Fails("incomplete", partial=True)),
    row("N25", "empty-stream", Fails("empty", 2)),
    row("N25", "only-done", Fails("empty", 2)),
)  # fmt: skip
STATUS = (
    row("S01", "400", Fails("bad_request")),
    row("S02", "401", Fails("auth")),
    row("S02", "403", Fails("auth")),
    *(row("S03", str(code), Fails("not_found")) for code in (404, 405, 410)),
    row("S04", "408|ok", Completes(attempts=2)),
    row("S04", "409|ok", Completes(attempts=2)),
    row("S05", "413", Fails("bad_request")),
    row("S05", "422", Fails("bad_request")),
    row("S06", "429|ok", Completes(attempts=2)),
    row("S06", "429", Fails("rate_limit", 3)),
    row("S07", "429?retry-after=1|ok", Completes(attempts=2, wait=(1, 2)), slow=True),
    row("S08", "429?retry-after-date=2|ok", Completes(attempts=2, wait=(0.5, 3)), slow=True),
    row("S09", "429?retry-after-ms=300|ok", Completes(attempts=2, wait=(0.3, 0.8))),
    row("S10", "429?retry-after=3600", Fails("rate_limit", within=1)),
    row("S10", "429?retry-after=banana|ok", Completes(attempts=2, wait=(0, 1))),
    row("S10", "429?retry-after=-1|ok", Completes(attempts=2, wait=(0, 1))),
    row("S11", "429?quota=1", Fails("quota")),
    row("S12", "503|503|ok", Completes(attempts=3)),
    row("S12", "529|ok", Completes(attempts=2)),
    *(row("S12", code, Fails("server", 3)) for code in ("500", "502", "504")),
    row("S12", "529", Fails("overloaded", 3)),
    row("S14", "500?should-retry=false", Fails("server")),
    row("S14", "400?should-retry=true|ok", Completes(attempts=2)),
    *(row("S15", f"502?body={body}", Fails("server", 3))
      for body in ("html", "empty", "text", "nested")),
    row("S16", "401?body=leak", Fails("auth"), name="401 that echoes the key"),
    row("S17", "status-204", Fails("empty", 2)),
    row("S17", "redirect", Fails("protocol")),
    row("S17", "redirect?to=ELSEWHERE", Fails("protocol"), name="redirect to another origin"),
    row("S17", "redirect-loop", Fails("protocol")),
)  # fmt: skip
FRAMING = (
    row("H01", "length-short", Completes(warning=None),
        name="content-length too long, after a whole answer"),
    row("H02", "bad-chunk-size", Fails("protocol", attempts=None, partial=None), steady=False),
    row("H02", "head-garbage", Fails("protocol", 3)),
    row("H04", "http10", Completes()),
    *(row("H05", coding, Completes()) for coding in ("gzip", "deflate", "deflate?raw=1")),
    row("H06", "gzip-corrupt", Fails("decode", 3)),
    row("H06", "gzip-unannounced", Fails("decode", 3)),
    row("H08", "html-200", Fails("protocol")),
    row("H09", "json-instead-of-sse", Completes()),
    row("H10", "json-error-200", Fails("server", 3)),
    row("H11", "wrong-content-type", Completes(warning="application/octet-stream")),
)  # fmt: skip
IN_STREAM = (
    row("E01", "error-first|ok", Completes(attempts=2)),
    row("E02", "error-in-stream", Fails("overloaded", partial=True), only="anthropic"),
    row("E02", "error-in-stream", Fails("server", partial=True), only="openai"),
    row("E03", "error-in-stream?style=string", Fails("overloaded", partial=True)),
    row("E03", "error-in-stream?style=vllm", Fails("bad_request", partial=True)),
    row("E03", "error-in-stream?style=code429", Fails("rate_limit", partial=True)),
    row("E03", "error-in-stream?style=finish", Fails("server", partial=True)),
    row("E05", "empty-choices", Completes(), only="openai"),
    row("E06", "null-content", Completes()),
    row("E06", "role-only", Fails("empty")),
    row("E06", "whitespace-only", Fails("empty", partial=True)),
    row("E08", "reasoning", Completes(), also=no_thought),
    row("E08", "reasoning", Completes(), name="reasoning, asked for", also=thought_is_told,
        settings={"reasoning": True}),
    row("E09", "refusal", Fails("refused")),
    row("E10", "finish-length", Completes("".join(PIECES[:3]), finish="length")),
    row("E11", "finish-unknown", Completes(warning="cosmic_ray")),
    row("E11", "unknown-events", Completes()),
    row("E14", "bad-json-event", Either(Fails("protocol", partial=True), Completes(warning="1 "))),
    row("E15", "no-usage", Completes(usage=None)),
    *(row("E16", fault, Completes(), only="openai")
      for fault in ("usage-twice", "usage-groq", "usage-null")),
    row("E17", "ok", Completes(), name="usage is asked for", also=asks_for_usage),
)  # fmt: skip
SYNTAX = (
    row("P01", "crlf", Completes()),
    row("P01", "cr", Completes()),
    row("P02", "bom", Completes()),
    row("P02", "bom?split=1", Completes()),
    *(row("P03", fault, Completes()) for fault in ("no-space", "multiline-data", "event-field")),
    row("P04", "comments", Completes()),
    row("P04", "empty-data", Completes()),
    *(row("P05", f"split-bytes?size={size}&eol={eol}", Completes(MULTIBYTE))
      for size, eol in ((1, "lf"), (2, "crlf"), (3, "cr"), (7, "crlf"))),
    row("P05", "utf8-split", Completes("Grüße 漢字 😀 done")),
    row("P06", "utf8-invalid", Completes("Hello bad:\ufffd(\ufffd:end world")),
    row("P08", "surrogate-lone", Completes("x\ufffdy ok")),
    row("P09", "nul", Completes("a\0b ok")),
    row("P10", "big-line?mb=10", Completes("x" * 10 * MEBIBYTE), also=costs_a_second, slow=True),
    row("P11", "endless-line?mb=256", Fails("protocol"), also=reads_little, slow=True),
)  # fmt: skip
TOOLS = (
    *(row("T01", f"{fault}|ok", Calls()) for fault in ("tool-ok", "tool-one-delta")),
    *(row("T01", f"{fault}|ok", Calls()) for fault in ("tool-text-then-call", "tool-finish-stop")),
    row("T01", "tool-legacy|ok", Calls(), only="openai"),
    row("T02", "tool-parallel|ok", Calls((PARIS, OSLO))),
    row("T03", "tool-no-index|ok", Calls((PARIS, OSLO)), only="openai"),
    row("T03", "tool-same-index|ok", Calls((PARIS, OSLO)), only="openai"),
    row("T04", "tool-name-split|ok", Calls(), only="openai"),
    row("T05", "tool-no-id|ok", Calls(), only="openai"),
    row("T06", "tool-args-object|ok", Calls((PARIS,))),
    row("T06", "tool-args-fenced|ok", Calls()),
    *(row(id, fault, BadCall(why), last=f"{fault}|tool-loop|ok", slow="depth" in fault)
      for id, fault, why in (
        ("T06", "tool-args-trailing", "Extra data"),
        ("T07", "tool-args-invalid", "not valid JSON"),
        ("T07", "tool-args-array", "must be a JSON object"),
        ("T07", "tool-args-null", "must be a JSON object"),
        ("T07", "tool-args-empty", "required"),
        ("T09", "tool-args-nan", "NaN is not JSON"),
        ("T09", "tool-args-dupkeys", "comes twice"),
        ("T09", "tool-args-depth", "nested too deep"),
        ("T09", "tool-args-surrogate", "surrogate"),
        ("T10", "tool-args-schema", "location"),
        ("T10", "tool-unknown-name", "no tool is named 'delete_everything'"),
        ("T10", "tool-name-empty", "no tool is named ''"),
        ("T10", "tool-loop?name=%1B%5B2Jrm%0D%0A", "no tool is named"),
    )),
    row("T08", "tool-args-truncated", CutCall()),
    row("T09", "tool-args-big?mb=5", FailedCall("protocol"), also=costs_a_second, slow=True),
    row("T11", "tool-many", FailedCall("protocol"), slow=True),
    row("T12", "tool-cut", FailedCall("incomplete")),
    row("T13", "tool-loop", Calls((CELSIUS,) * 3, finish="max_turns_reached", turns=4),
        options={"max_turns": 4}),
    row("T15", "tool-args-schema", BadCall("location"), positions=("draft",)),
)  # fmt: skip
LIFE = (
    row("L01", "503", Fails("overloaded", 3)),
    row("L01", "rst-after-3", Fails("incomplete", partial=True)),
    row("L02", "rst-after-3", DraftStandsIn(), positions=("verifier",),
        name='the last model fails, on_verifier_error="draft"',
        settings={"on_verifier_error": "draft"}),
    row("L03", "503", BothFail(), behind="500", positions=("draft",), name="503, then 500"),
    row("L04", "flood?mb=5", Ends("budget"), settings={"max_cost": 0.5}, steady=False,
        also=stops_near_the_budget),
)  # fmt: skip
ROWS = (*NETWORK, *STATUS, *FRAMING, *IN_STREAM, *SYNTAX, *TOOLS, *LIFE)
