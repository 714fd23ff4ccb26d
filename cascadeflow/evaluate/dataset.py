"""Recorded rows: what a draft and a stronger model answered, and how right each was.

A file is JSONL, gzipped if its name ends in `.gz`, one object a line, of two kinds:

    {"id", "query" | "messages", "tools", "draft", "verifier", "draft_correct", "verifier_correct"}
    {"feedback": id, "correct": 0..1}

The second kind comes later than the row it completes, possibly in another file of the same reading:
it tells how right the answer was that the caller saw, so it labels the draft if the row says
`"accepted": true`, and the verifier otherwise. Of several on one id the last one counts.

Passed over: fields that are not named here, rows without a draft, empty lines, and a last line that
was cut off (the recorder was interrupted). Reading holds one row at a time, and the feedback as
numbers by id. The opinions of optional judges are read from the recorded `evidence`.

Units: tokens are counts, money is US dollars, time is seconds, log-probabilities are natural logs.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar, get_args

import msgspec

from ..core.policy import Opinion
from ..core.referee import JudgeName
from ..errors import ConfigError
from ..types import Delta, Message, Request, Stop, StopReason, TextDelta, ToolCallDelta, ToolChoice

SUFFIXES = (".jsonl", ".jsonl.gz", ".ndjson", ".ndjson.gz")
"""Endings of the files that are read of a directory."""

FOLDS = 5
"""Of cross-validation."""
JUDGES: tuple[JudgeName, ...] = get_args(JudgeName)

LABELS = ("draft_correct", "verifier_correct")

ANYTHING = {"type": "object"}
"""The parameters of a tool that names none."""

Cut = TypeVar("Cut", str, list[float])
_OBJECT = msgspec.json.Decoder(dict[str, Any])


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What one model answered."""

    model: str = ""
    content: str | None = None
    tool_calls: list[dict[str, Any]] | None = None
    """`{"name", "arguments"}`, or OpenAI's form; arguments are an object or JSON text."""
    tokens_out: int | None = None
    cost: float | None = None
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
    p_good: float | None = None
    """What was estimated when the row was recorded."""
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


def files(paths: list[Path]) -> list[Path]:
    """The files to read, each once: directories stand for the recordings in them, sorted by name.

    Raises:
        ConfigError: a path does not exist, or a directory holds no recording.
    """
    found: dict[Path, Path] = {}
    for path in paths:
        inside = [path]
        if path.is_dir():
            inside = sorted(each for each in path.iterdir() if each.name.endswith(SUFFIXES))
        if not inside:
            raise ConfigError(f"{path}: no recording in it; names end in {', '.join(SUFFIXES)}")
        for each in inside:
            if not each.is_file():
                raise ConfigError(f"{each}: no such file or directory")
            found.setdefault(each.resolve(), each)
    return list(found.values())


def name_of(path: Path) -> str:
    """The file's name without the endings of a recording."""
    return path.name.removesuffix(".gz").removesuffix(".jsonl").removesuffix(".ndjson")


def count(paths: list[Path]) -> int:
    """How many lines hold something; a little more than there are rows if some are feedback.

    Raises:
        ConfigError: a file cannot be read.
    """
    return sum(1 for path in paths for _ in _lines(path))


def read(*paths: str | Path) -> Iterator[Row]:
    """The rows of the files, in order, completed by the feedback of all of them.

    Raises:
        ConfigError: a file cannot be read, or a line is no row; says which, and why.
    """
    places = [Path(path) for path in paths]
    feedback = {
        str(told["feedback"]): label
        for path in places
        for where, told in _objects(path)
        if told.get("feedback") is not None
        if (label := _label("correct", told.get("correct"), where)) is not None
    }
    for path in places:
        for where, told in _objects(path):
            if told.get("feedback") is None and told.get("draft") is not None:
                yield _row(told, feedback, path, where)


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


def _row(told: Mapping[str, Any], feedback: Mapping[str, float], path: Path, where: str) -> Row:
    if told.get("query") is None and not told.get("messages"):
        raise ConfigError(f"{where}: the row has neither query nor messages")
    fixed: dict[str, Any] = {name: _label(name, told.get(name), where) for name in LABELS}
    fixed["id"] = str(told.get("id", ""))
    if fixed["id"] in feedback:
        fixed[LABELS[0] if told.get("accepted") else LABELS[1]] = feedback[fixed["id"]]
    try:
        evidence = msgspec.convert(told.get("evidence") or {}, dict[str, Any])
        opinions = [
            {"judge": judge, "p_good": float(p_good)}
            for judge in JUDGES
            if isinstance(p_good := evidence.get(judge), int | float) and 0 <= p_good <= 1
        ]
        fixed |= {"tool_choice": _choice(told.get("tool_choice")), "file": name_of(path)}
        return msgspec.convert({**told, **fixed, "opinions": opinions}, Row)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{where}: {error}") from None


def _choice(choice: str | Mapping[str, Any] | None) -> ToolChoice | None:
    match choice:
        case "auto" | "required" | "none":
            return choice
        case {"name": str(name)} | {"function": {"name": str(name)}}:
            return {"name": name}
        case _:
            return None


def _label(name: str, value: object, where: str) -> float | None:
    if value is None:
        return None
    if isinstance(value, int | float) and 0 <= value <= 1:
        return float(value)
    raise ConfigError(f"{where}: {name} is {value}; it must be from 0 (wrong) to 1 (right)")


def _objects(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """(file and number, object) of each line that holds something and was written whole."""
    for number, text in _lines(path):
        where = f"{path}:{number}"
        try:
            yield where, _decode(text)
        except (ValueError, RecursionError, msgspec.ValidationError) as error:
            if text.endswith(b"\n"):
                raise ConfigError(f"{where}: not a JSON object of a row: {error}") from None


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """(number from 1, line) of each line that holds something."""
    try:
        with gzip.open(path) if path.name.endswith(".gz") else path.open("rb") as file:
            for number, text in enumerate(file, 1):
                if text.strip():
                    yield number, text
    except (OSError, EOFError, zlib.error) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from None


def _decode(text: bytes) -> dict[str, Any]:
    """The object of a line. What msgspec refuses gets a second chance: NaN, lone surrogates."""
    with suppress(msgspec.DecodeError, UnicodeError, RecursionError):
        return _OBJECT.decode(text)
    return msgspec.convert(json.loads(text), dict[str, Any])
