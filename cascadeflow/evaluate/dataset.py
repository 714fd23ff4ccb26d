"""Recorded rows: what a draft and a stronger model answered, and how right each was.

A file is JSONL, gzipped if its name ends in `.gz`, one object a line:

    {"id", "query" | "messages", "tools", "draft", "verifier", "draft_correct", "verifier_correct"}

or a line that labels a row, by its id: `labels.py` says how they are put together.

Passed over: fields that are not named here, rows without a draft, empty lines, and a last line that
was cut off (the recorder was interrupted). Reading holds one row at a time, 16 bytes of each other,
and the labels as numbers by id. The opinions of optional judges are read from the recorded
`evidence`.

Units: tokens are counts, money is US dollars, time is seconds, log-probabilities are natural logs.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NamedTuple, TypeVar, get_args

import msgspec

from ..core.policy import Opinion
from ..core.referee import JudgeName
from ..errors import ConfigError
from ..types import Delta, Message, Request, Stop, StopReason, TextDelta, ToolCallDelta, ToolChoice
from .labels import Labels, is_label, is_row
from .lines import count as count
from .lines import decode, lines
from .lines import files as files
from .lines import name_of as name_of

FOLDS = 5
"""Of cross-validation."""
JUDGES: tuple[JudgeName, ...] = get_args(JudgeName)

MOST_NAMED = 12
"""Keys or ids that a message names."""
ANYTHING = {"type": "object"}
"""The parameters of a tool that names none."""

Cut = TypeVar("Cut", str, list[float])


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What one model answered."""

    model: str = ""
    content: str | None = None
    tool_calls: list[dict[str, Any]] | None = None
    """`{"name", "arguments"}`, or OpenAI's form; arguments are an object or JSON text."""
    tokens_out: int | None = None
    cost: Annotated[float, msgspec.Meta(ge=0)] | None = None
    """US dollars."""
    logprobs: list[float] | None = None
    """Natural-log probability of each sampled token of `content`."""
    self_verify_logp: float | None = None
    """log P("true") when the model is asked whether its own answer is right."""
    finish_reason: StopReason | None = None
    """Why it ended; None: not recorded, taken for a regular end."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One query, what was answered, and how right it was where that is known."""

    id: str
    query: str | None = None
    messages: list[dict[str, Any]] | None = None
    """The conversation; a `query` beside it is its last message, in it or not."""
    tools: list[dict[str, Any]] | None = None
    tool_choice: ToolChoice | None = None
    response_format: dict[str, Any] | None = None
    draft: Answer
    verifier: Answer | None = None
    """None: it was not asked."""
    draft_correct: float | None = None
    """0 wrong to 1 right; None: not labelled."""
    verifier_correct: float | None = None
    p_good: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    """What was estimated when the row was recorded."""
    benefit: float | None = None
    """The same of what escalating gains."""
    accepted: bool | None = None
    """What was decided when the row was recorded."""
    opinions: tuple[Opinion, ...] = ()
    """Of the optional judges that were asked about the draft."""
    file: str = ""
    """Name of the file it was read from, without its ending."""

    @property
    def weak(self) -> str:
        """The model of the draft: by the file's name, `<family>__<weak>__<strong>`, or the row."""
        return [*self.file.split("__"), ""][1] or self.draft.model

    @property
    def asked(self) -> str:
        """The text of the last message."""
        if self.query is not None:
            return self.query
        content = self.messages[-1].get("content") if self.messages else ""
        return content if isinstance(content, str) else str(content or "")

    @property
    def strong_cost(self) -> float | None:
        """US dollars of the verifier's answer; None: not known."""
        return None if self.verifier is None else self.verifier.cost

    @property
    def fold(self) -> int:
        """Of cross-validation: by what was asked alone, whoever answered it and in which file."""
        return zlib.crc32(self.asked.encode("utf-8", "surrogatepass")) % FOLDS

    @property
    def labelled(self) -> bool:
        """Whether it is known how right both answers were."""
        return self.draft_correct is not None and self.verifier_correct is not None


def read(*paths: str | Path) -> Iterator[Row]:
    """The rows of the files, in order, completed by the labels in all of them.

    Raises:
        ConfigError: a file cannot be read, a line is no row, or there is none; says which, and why.
    """
    return iter(Reading(paths))


class Line(NamedTuple):
    """An object of a file."""

    place: int
    """Among the lines of all files."""
    where: str
    """File and number."""
    file: str
    """Its name, without its ending."""
    told: dict[str, Any]


class Reading:
    """The rows of some files, as of `read`, and what is to be said of the lines passed over.

    Args:
        paths: of files.
        skip_damaged: pass over lines that cannot be read, or are no row.
        recorded: pass over rows without the `p_good` of their recording.
    """

    def __init__(
        self, paths: Sequence[str | Path], *, skip_damaged: bool = False, recorded: bool = False
    ) -> None:
        self._paths = [Path(path) for path in paths]
        self._skip_damaged = skip_damaged
        self._recorded = recorded
        self._labels = Labels()
        self._damaged: dict[str, str] = {}
        """Where: why."""
        self._cut: dict[str, None] = {}
        """Last lines that end too soon."""
        self._other: list[str] = []
        """Keys of the first line without a draft, or nothing."""
        self._others = self._unscored = 0

    def __iter__(self) -> Iterator[Row]:
        for line in self._lines():
            with self._checked(line.where):
                self._labels.note(line.place, line.told, line.file)
        found = 0
        for line in self._lines():
            row: Row | None = None
            with self._checked(line.where):
                row = self._row(line)
            if row is not None:
                found += 1
                yield row
        if not found:
            raise ConfigError(self._nothing())

    def remarks(self) -> list[str]:
        """What was passed over, in a sentence for each reason; to be asked for at the end."""
        said = [f"{where}: the last line was cut off, and passed over" for where in self._cut]
        if self._damaged:
            where, why = next(iter(self._damaged.items()))
            first = f"the first is {where}: {why}"
            said.append(f"damaged lines passed over: {len(self._damaged)}; {first}")
        if self._labels.copies:
            said.append(
                "rows that came again, with the same id, query and answers, and count once: "
                f"{self._labels.copies}"
            )
        if self._labels.unmatched:
            ids = _some(self._labels.unmatched)
            said.append(f"ids whose labels match no row: {len(self._labels.unmatched)} ({ids})")
        if self._others:
            said.append(f"lines without a draft passed over: {self._others}")
        if self._unscored:
            said.append(f"rows passed over for lack of a recorded p_good: {self._unscored}")
        return said

    def _nothing(self) -> str:
        """Why there is no row."""
        if self._unscored:
            return f"none of {self._unscored} rows has the p_good of a recording"
        if self._others:
            return (
                f"none of {self._others} rows has `draft`, an object with `content`; "
                f"their keys are {_some(self._other)}"
            )
        return "; ".join(["the files hold no row with a draft", *self.remarks()])

    def _row(self, line: Line) -> Row | None:
        if not is_row(line.told):
            if not is_label(line.told):
                self._other = self._other or list(line.told)
                self._others += 1
            return None
        labels = self._labels.of(line.place, line.told, line.file)
        if labels is None:
            return None
        if self._recorded and line.told.get("p_good") is None:
            self._unscored += 1
            return None
        return _row(line.told, labels, line.file)

    @contextmanager
    def _checked(self, where: str) -> Generator[None, None, None]:
        """Say where an error is, or remember it for `remarks` if damaged lines are skipped."""
        try:
            yield
        except ConfigError as error:
            if not self._skip_damaged:
                raise ConfigError(f"{where}: {error}") from None
            self._damaged[where] = str(error)

    def _lines(self) -> Iterator[Line]:
        """Each line that holds an object."""
        place = 0
        for path in self._paths:
            name = name_of(path)
            for number, text in lines(path):
                place += 1
                where = f"{path}:{number}"
                told: dict[str, Any] | None = None
                with self._checked(where):
                    told = decode(text)
                    if told is None:
                        self._cut[where] = None
                if told is not None:
                    yield Line(place, where, name, told)


def request_of(row: Row) -> Request:
    """What the models were asked."""
    messages: list[Message] = [*(row.messages or ())]
    if row.query is not None:
        last: Message = messages[-1] if messages else {}
        if (last.get("role"), last.get("content")) != ("user", row.query):
            messages.append({"role": "user", "content": row.query})
    return Request(
        messages=tuple(messages),
        tools=tuple(
            {
                "name": str(told.get("name", "")),
                "description": str(told.get("description") or ""),
                "parameters": told.get("parameters") or told.get("input_schema") or ANYTHING,
            }
            for told in map(_function, row.tools or ())
        ),
        tool_choice=row.tool_choice,
        response_format=row.response_format,
    )


def deltas_of(answer: Answer, pieces: int = 1) -> list[Delta]:
    """The answer as a stream: its text, its calls, the `Stop`.

    The text, and the arguments of each call, are cut into `pieces` deltas, at least 1; the
    log-probabilities are dealt out evenly.
    """
    text, calls = answer.content or "", answer.tool_calls or ()
    count = min(max(pieces, 1), len(text))
    deltas: list[Delta] = [
        TextDelta(part, tuple(logprobs))
        for part, logprobs in zip(
            _cut(text, count), _cut(answer.logprobs or [], count), strict=True
        )
    ]
    for index, call in enumerate(calls):
        told = _function(call)
        deltas.append(ToolCallDelta(index, str(call.get("id") or ""), str(told.get("name") or "")))
        given = told.get("arguments")
        arguments = given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)
        parts = _cut(arguments, min(max(pieces, 1), len(arguments)))
        deltas += [ToolCallDelta(index, arguments=part) for part in parts]
    return [*deltas, Stop(answer.finish_reason or ("tool_calls" if calls else "stop"))]


def _cut(whole: Cut, count: int) -> list[Cut]:
    """`whole` in parts of about the same length."""
    return [whole[len(whole) * at // count : len(whole) * (at + 1) // count] for at in range(count)]


def _function(told: Mapping[str, Any]) -> Mapping[str, Any]:
    """What OpenAI nests, of a tool or a call."""
    inner: object = told.get("function")
    return msgspec.convert(inner, dict[str, Any]) if isinstance(inner, dict) else told


def _row(told: Mapping[str, Any], labels: Mapping[str, float | None], file: str) -> Row:
    if told.get("query") is None and not told.get("messages"):
        raise ConfigError("the row has neither query nor messages")
    fixed: dict[str, Any] = {**labels, "id": str(told.get("id", "")), "file": file}
    try:
        evidence = msgspec.convert(told.get("evidence") or {}, dict[str, Any])
        opinions = [
            {"judge": judge, "p_good": float(p_good)}
            for judge in JUDGES
            if isinstance(p_good := evidence.get(judge), int | float) and 0 <= p_good <= 1
        ]
        fixed |= {"tool_choice": _choice(told.get("tool_choice")), "opinions": opinions}
        return msgspec.convert({**told, **fixed}, Row)
    except msgspec.ValidationError as error:
        raise ConfigError(str(error)) from None


def _choice(choice: str | Mapping[str, Any] | None) -> ToolChoice | None:
    match choice:
        case "auto" | "required" | "none":
            return choice
        case {"name": str(name)} | {"function": {"name": str(name)}}:
            return {"name": name}
        case _:
            return None


def _some(names: Sequence[str]) -> str:
    rest = [f"and {len(names) - MOST_NAMED} more"] if len(names) > MOST_NAMED else []
    return ", ".join([*names[:MOST_NAMED], *rest])
