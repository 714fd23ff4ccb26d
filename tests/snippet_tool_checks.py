"""What the documents promise of the snippets about tools."""

from __future__ import annotations

from collections.abc import Callable

from .snippet_claims import (
    WORDS,
    completes,
    event_completes,
    has_called,
    has_declared_fields,
    has_documented_data,
    is_call,
    switched,
    takes_parameters,
)
from .snippet_page import Run

PARIS = "Paris: 22°C, sunny"


def prints_tool_name(run: Run) -> None:
    assert "Tool: get_weather\n" in run.stdout
    assert run.asked[0]["tools"][0]["function"]["name"] == "get_weather"


def tool_script(run: Run) -> None:
    assert "not available" not in run.stdout
    assert "\n🔧 Tool call starting...\n" in run.stdout
    assert "🔧 Tool: get_weather({'location': 'Paris'})\n" in run.stdout
    assert run.stdout.endswith("\n✅ Done\n")


def offers_tools(run: Run) -> None:
    has_called(run.names["told"])
    assert run.asked[0]["tools"][0]["function"]["name"] == "get_weather"


def executes(run: Run) -> None:
    assert f"Result: {PARIS}\n" in run.stdout
    is_call(run.names["tool_call_data"])
    assert run.names["result"]["error"] is None


def tool_parameters(run: Run) -> None:
    (told,) = run.values
    completes(told)
    assert (run.asked[0]["max_tokens"], run.asked[0]["temperature"]) == (1000, 0.7)
    assert run.asked[0]["tools"]


def tool_choice(run: Run) -> None:
    unset, auto, required, named = run.names["told"]
    for told in (unset, auto):
        assert WORDS.search(completes(told)["content"])
    for told in (required, named):
        has_called(told, location=None)
    sent = [body.get("tool_choice") for body in run.asked]
    assert "required" in sent
    assert {"type": "function", "function": {"name": "get_weather"}} in sent


def event_handler(run: Run) -> None:
    assert "\nCalling: get_weather\n" in run.stdout
    assert run.names["called"] == ["get_weather"]
    assert "".join(run.names["chunks"]) + "\nCalling: get_weather\n" == run.stdout


def tool_stream_completes(run: Run) -> None:
    event_completes(run)
    assert run.asked[0]["tools"][0]["function"]["name"] == "get_weather"


def call_attribute(run: Run) -> None:
    is_call(run.names["tool"])


def call_in_data(run: Run) -> None:
    is_call(run.names["tool"])
    assert run.names["name"] == "get_weather"
    assert run.names["args"]["location"] == "Paris"


def data_and_attribute(run: Run) -> None:
    assert run.names["name"] == "get_weather"
    assert run.names["args"]["location"] == "Paris"
    assert run.names["event"]["type"] == "complete"
    assert run.names["tool"] is None


def tool_names(run: Run) -> None:
    assert "\n🔧 Calling: get_weather\n" in run.stdout
    assert "Result" not in run.stdout
    assert switched(run) or run.situation == "plain"


def two_streams(run: Run) -> None:
    text, tool = run.values
    has_called(tool)
    assert WORDS.search(completes(text)["content"])


def execution_control(run: Run) -> None:
    assert run.names["result"] == PARIS
    assert run.stdout.count("Got result: ") == (1 if run.situation == "callable" else 0)
    assert (PARIS in run.stdout) is (run.situation == "callable")
    results = [m["content"] for body in run.asked for m in body["messages"] if m["role"] == "tool"]
    assert all(PARIS in result for result in results)
    assert bool(results) is (run.situation == "callable")


TOOL_CHECKS: dict[str, Callable[[Run], None]] = {
    "g03": prints_tool_name,
    "g06": tool_script,
    "g07": offers_tools,
    "g08": offers_tools,
    "g09": executes,
    "g10": tool_parameters,
    "g11": tool_choice,
    "g14": has_declared_fields,
    "g15": has_documented_data,
    "g16": event_handler,
    "g24": offers_tools,
    "g25": offers_tools,
    "g26": tool_stream_completes,
    "g27": tool_stream_completes,
    "g29": call_attribute,
    "g30": call_in_data,
    "g36": data_and_attribute,
    "m02": tool_names,
    "m03": two_streams,
    "m06": execution_control,
    "m08": takes_parameters,
}
"""By the first three letters of a snippet's name."""
