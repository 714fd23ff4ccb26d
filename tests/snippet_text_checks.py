"""What the documents promise of the snippets about text, and about the agent itself."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable

from .snippet_claims import (
    DOLLARS,
    WORDS,
    completes,
    event_completes,
    has_declared_fields,
    has_documented_data,
    shows_the_answer,
    switched,
    takes_parameters,
)
from .snippet_page import Run


def prerequisites(run: Run) -> None:
    assert run.stdout == "✅ Text streaming available\n✅ Tool streaming available\n"
    assert run.names["text"] is None
    assert run.names["tool"] is None


def prints_text(run: Run) -> None:
    assert WORDS.search(run.stdout)


def text_script(run: Run) -> None:
    assert "not available" not in run.stdout
    lines = run.stdout.strip().splitlines()
    assert WORDS.match(lines[0])
    assert re.fullmatch(rf"💰 {DOLLARS}", lines[-1])
    assert ("✓ Draft accepted" in lines) is not switched(run)
    assert any(line.startswith("✗ Rejected: ") for line in lines) is switched(run)
    assert ("⤴️ Cascading to gpt-4o" in lines) is switched(run)
    assert run.asked[0]["max_tokens"] == 100
    assert run.asked[0]["temperature"] == 0.7


def text_parameters(run: Run) -> None:
    (told,) = run.values
    assert WORDS.search(completes(told)["content"])
    assert completes(told)["complexity"] == "simple"
    assert (run.asked[0]["max_tokens"], run.asked[0]["temperature"]) == (100, 0.7)


def collecting(run: Run) -> None:
    content, result = run.names["content"], run.names["result"]
    shows_the_answer(run, content, result["content"])
    assert re.fullmatch(rf"Content: {re.escape(content)}\nCost: {DOLLARS}\n", run.stdout)
    assert switched(run) or run.situation == "plain"


def timeout_handling(run: Run) -> None:
    assert run.names["result"]["content"] in run.stdout
    assert run.stdout.endswith("\n⚠️  Streaming timeout after 0.01s\n")
    assert run.names["late"] is None


def error_recovery(run: Run) -> None:
    if run.situation == "broken":
        failed = re.findall(r"⚠️  Attempt (\d) failed: .*status 404", run.stdout)
        assert failed == ["1", "2", "3"]
        assert run.names["result"] is None
    else:
        shows_the_answer(run, run.stdout, run.names["result"]["content"])


def faster_drafts(run: Run) -> None:
    found = [(model["name"], model["provider"]) for model in run.values]
    assert found == [
        ("gpt-3.5-turbo", "openai"),
        ("gpt-4o-mini", "openai"),
        ("llama-3.1-8b", "groq"),
    ]
    assert run.names["result"]["model_used"] == "llama-3.1-8b"


def silent_agent(run: Run) -> None:
    assert WORDS.search(run.names["result"]["content"])
    assert (run.stdout, run.logged) == ("", [])


def manager_or_none(run: Run) -> None:
    (value,) = run.values
    assert (value is None) is (run.situation == "single")
    assert value is None or "StreamManager" in value


def manager_ready(run: Run) -> None:
    assert run.stdout == ""
    assert run.names["ready"] is True


def availability(run: Run) -> None:
    if run.situation == "plain":
        event_completes(run)
    else:
        assert run.stdout == "Streaming not available (need 2+ models)\n"
        assert WORDS.search(run.names["result"]["content"])


def all_events(run: Run) -> None:
    logged = {message for _, _, message in run.logged}
    assert "Unknown event: routing" in logged
    if run.situation == "broken":
        assert run.returned is None
        assert run.logged[-1][1] == "ERROR"
        assert run.logged[-1][2].startswith("Error: ")
    else:
        shows_the_answer(run, run.stdout, run.returned["content"])
        assert f"Draft: {not switched(run)}" in logged
        assert switched(run) or run.situation == "plain"


def logged_events(run: Run) -> None:
    messages = [message for _, _, message in run.logged]
    if run.situation == "broken":
        assert messages[0] == "Draft rejected"
        assert run.logged[-1][1] == "ERROR"
        assert messages[-1].startswith("Stream error: ")
    else:
        assert messages == ["Draft rejected" if switched(run) else "Draft accepted"]


def web_page(run: Run) -> None:
    *texts, last = [ast.literal_eval(message) for message in run.sent]
    assert {text["type"] for text in texts} == {"content"}
    shows_the_answer(run, "".join(text["data"] for text in texts), run.names["result"]["content"])
    assert last["type"] == "complete"
    assert last["cost"] > 0


def timed_text(run: Run) -> None:
    assert WORDS.match(run.stdout)
    assert re.search(r"\n✓ Done in \d+ms\n$", run.stdout)
    assert ("\n⤴️ Cascading...\n" in run.stdout) is switched(run)


def old_way(run: Run) -> None:
    (told,) = run.values
    completes(told)
    completes(run.names["told"])


def custom_handling(run: Run) -> None:
    lines = run.stdout.splitlines()
    assert re.fullmatch(r"Starting draft with gpt-4o-mini(-refuse)?", lines[0])
    if run.situation == "broken":
        assert "✗ Draft rejected: draft_error:not_found" in lines
        assert re.match("✗ Error: .*status 404", lines[-1])
        return
    assert re.search(r"✓ Draft accepted \(\d+\.\d%\)", run.stdout) or switched(run)
    assert ("✗ Draft rejected: " in run.stdout) is switched(run)
    escalating = rf"\n⤴️ Escalating: {run.asked[0]['model']} → gpt-4o\n"
    assert (re.search(escalating, run.stdout) is not None) is switched(run)
    assert re.fullmatch(r"✓ Done \| Cost: \$\d+\.\d{4} \| \d+ms", lines[-1])
    assert switched(run) or run.situation == "plain"


def error_handling(run: Run) -> None:
    match run.situation:
        case "broken":
            assert re.match("Error: .*status 404", run.stdout)
        case "single":
            assert run.stdout.startswith("Streaming failed: ")
            assert WORDS.search(run.names["result"]["content"])
        case _:
            event_completes(run)


TEXT_CHECKS: dict[str, Callable[[Run], None]] = {
    "g01": prerequisites,
    "g02": prints_text,
    "g04": text_script,
    "g05": text_parameters,
    "g12": has_declared_fields,
    "g13": has_documented_data,
    "g17": collecting,
    "g18": timeout_handling,
    "g19": error_recovery,
    "g20": faster_drafts,
    "g21": silent_agent,
    "g22": manager_or_none,
    "g23": manager_ready,
    "g28": event_completes,
    "g31": availability,
    "g32": all_events,
    "g33": event_completes,
    "g34": logged_events,
    "g35": web_page,
    "m01": timed_text,
    "m04": old_way,
    "m05": custom_handling,
    "m07": takes_parameters,
    "m09": error_handling,
}
"""By the first three letters of a snippet's name."""
