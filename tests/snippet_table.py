# ruff: noqa: E501 - a snippet is one entry, what is expected of it one line
"""Every Python snippet of the two documents: where it stands, how it runs, what is expected of it.

`tests/spec_snippets/README.md` is this table for people; `python -m tests.snippet_table` writes it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeAlias

import msgspec

FOLDER = Path(__file__).parent / "spec_snippets"
GUIDE = "streaming-guide.md"
MODULE = "streaming-module.md"

Kind: TypeAlias = Literal["text", "tool", "both"]
"""Which of the two streams a snippet is about."""

Situation: TypeAlias = Literal["plain", "escalated", "broken", "single", "callable"]
SITUATIONS: dict[Situation, str] = {
    "plain": "gpt-4o-mini, then gpt-4o; the judge is free to accept the draft or not",
    "escalated": "the draft model refuses to answer, so that gpt-4o takes over for certain",
    "broken": "every request fails with status 404",
    "single": "one model alone, so that both managers are None",
    "callable": "as plain, and `tools` are functions that can be executed",
}
"""What the page around a snippet supplies as `agent` (and `tools`)."""


class Snippet(msgspec.Struct, frozen=True):
    """One snippet; its file holds the document's lines `first` to `last`, unchanged."""

    name: str
    first: int
    last: int
    part: str
    """Title of the section."""
    kind: Kind
    expected: str
    situations: tuple[Situation, ...] = ("plain",)
    script: bool = False
    """It is a whole program, with a loop of its own."""
    then: str = ""
    """What a reader does next with what the snippet made; shown to tests, no part of the page."""

    @property
    def document(self) -> str:
        """File name of the document."""
        return GUIDE if self.name.startswith("g") else MODULE

    @property
    def path(self) -> Path:
        """The snippet's file."""
        return FOLDER / f"{self.name}.py"


class Block(msgspec.Struct, frozen=True):
    """Lines of a document that a compiler could take for Python, or that are fenced, but are not."""

    document: str
    first: int
    last: int
    what: str


CALL_WITH_TOOLS = "told = [event async for event in agent.stream_events(query, tools=tools)]"
SIGNATURE = "import inspect\ndeclared = list(inspect.signature(stream).parameters)\nmanager = agent.{0}_streaming_manager\nreal = list(inspect.signature(manager.stream).parameters)\n"
FIELDS = "from cascadeflow import streaming\ndeclared = list({0}.__match_args__)\nreal = list(streaming.{0}.__match_args__)"

TABLE = (
    Snippet("g01_prerequisites", 55, 73, "Prerequisites", "both", "Two models: both lines are printed. One model: both managers are None.", then="text, tool = agent.text_streaming_manager, agent.tool_streaming_manager"),
    Snippet("g02_text_quick_start", 79, 87, "Quick Start, Text Streaming", "text", "The answer is printed as it comes."),
    Snippet("g03_tool_quick_start", 91, 102, "Quick Start, Tool Streaming", "tool", "The name of the called tool is printed."),
    Snippet("g04_text_basic_usage", 108, 154, "Text Streaming, Basic Usage", "text", "A script: answer, decision, the switch if there was one, the cost.", script=True),
    Snippet("g05_text_parameters", 179, 186, "Text Streaming, Parameters", "text", "All parameters are taken; the stream, once read, completes."),
    Snippet("g06_tool_basic_usage", 201, 257, "Tool Streaming, Basic Usage", "tool", "A script: the call starts, is shown with its arguments, and the stream completes.", script=True),
    Snippet("g07_tool_format_universal", 263, 270, "Tool Format, universal", "tool", "Tools in this format are offered and called.", then=CALL_WITH_TOOLS),
    Snippet("g08_tool_format_wrapped", 274, 280, "Tool Format, wrapped", "tool", "The page calls it wrong; it is understood all the same.", then=CALL_WITH_TOOLS),
    Snippet("g09_tool_execution", 296, 344, "Tool Execution", "tool", "The call is executed by the reader and its result printed."),
    Snippet("g10_tool_parameters", 375, 383, "Tool Streaming, Parameters", "tool", "All parameters are taken; the stream, once read, completes."),
    Snippet("g11_tool_choice", 387, 397, "Tool Choice Options", "tool", "Each choice reaches the model; those that force a call get one.", then='told = [\n    [event async for event in agent.stream_events("Hello", tools=tools, tool_choice=choice)]\n    for choice in (None, {"type": "auto"}, {"type": "required"}, tool_choice)\n]'),
    Snippet("g12_stream_event", 412, 416, "StreamEvent", "text", "The real event has these fields, in this order.", then=FIELDS.format("StreamEvent")),
    Snippet("g13_stream_event_data", 420, 450, "StreamEvent, Common Data Fields", "text", "A real event of each kind has these keys, with values of these types.", situations=("escalated", "plain"), then="told = [event async for event in agent.stream_events(query)]"),
    Snippet("g14_tool_stream_event", 454, 459, "ToolStreamEvent", "tool", "The real event has these fields, in this order.", then=FIELDS.format("ToolStreamEvent")),
    Snippet("g15_tool_stream_event_data", 463, 475, "ToolStreamEvent, Common Data Fields", "tool", "A real completed call has these keys, with values of these types, and is read as shown.", then=CALL_WITH_TOOLS),
    Snippet("g16_event_handlers", 486, 514, "Custom Event Handlers", "both", "The handler collects the called tool and prints its name.", then="chunks, called = handler.chunks, handler.tools_called"),
    Snippet("g17_collecting", 518, 533, "Collecting Stream Results", "text", "Collected text and cost are printed.", situations=("plain", "escalated")),
    Snippet("g18_timeout_handling", 537, 551, "Timeout Handling", "text", "In time: the result. Too late: the message, and None.", then="result = await stream_with_timeout(agent, query)\nlate = await stream_with_timeout(agent, query, timeout=0.01)"),
    Snippet("g19_error_recovery", 555, 577, "Error Recovery", "text", "The result; when all fails, one line for each of the three attempts, and None.", situations=("plain", "broken"), then="result = await stream_with_retry(agent, query)"),
    Snippet("g20_faster_drafts", 593, 596, "Reduce First Chunk Latency", "text", "Three models; an agent can be made of them, and each provider is reached.", then="result = await CascadeAgent(models=page_values).run(query, force_direct=True)"),
    Snippet("g21_verbose_off", 600, 603, "Disable Verbose Logging", "text", "An agent that answers and logs nothing.", then="result = await agent.run(query)"),
    Snippet("g22_manager_problem", 619, 619, "No streaming manager available, problem", "text", "None with one model, a manager with two.", situations=("single", "plain")),
    Snippet("g23_manager_solution", 623, 632, "No streaming manager available, solution", "text", "Nothing is printed: there is a manager.", then="ready = agent.text_streaming_manager is not None"),
    Snippet("g24_tool_format_problem", 638, 641, "KeyError: 'name', problem", "tool", "The page calls it wrong; it is understood all the same.", then=CALL_WITH_TOOLS),
    Snippet("g25_tool_format_solution", 645, 650, "KeyError: 'name', solution", "tool", "Tools in this format are offered and called.", then=CALL_WITH_TOOLS),
    Snippet("g26_stream_attribute_problem", 656, 658, "no attribute 'stream', problem", "tool", "The page calls it wrong; the manager streams all the same, and completes."),
    Snippet("g27_stream_attribute_solution", 662, 664, "no attribute 'stream', solution", "tool", "The stream completes."),
    Snippet("g28_hang_timeout", 676, 681, "Stream hangs", "text", "The stream completes within the timeout."),
    Snippet("g29_tool_call_problem", 687, 687, "Can't access tool_call data, problem", "tool", "The page expects nothing of it; it is the call, as in `data`."),
    Snippet("g30_tool_call_solution", 691, 694, "Can't access tool_call data, solution", "tool", "The call's name and arguments."),
    Snippet("g31_check_availability", 700, 706, "Always Check Availability", "text", "Two models: the stream completes. One: the message, and a result.", situations=("plain", "single")),
    Snippet("g32_handle_all_events", 710, 723, "Handle All Event Types", "text", "Answer printed, decision logged, result returned; on failure the error is logged.", situations=("plain", "escalated", "broken")),
    Snippet("g33_implement_timeouts", 727, 735, "Implement Timeouts", "text", "The stream completes within the timeout."),
    Snippet("g34_log_events", 739, 748, "Log Important Events", "text", "The decision is logged; on failure the error.", situations=("plain", "escalated", "broken")),
    Snippet("g35_progressive_ui", 752, 767, "Progressive UI Updates", "text", "The page is sent each piece of text, then the cost."),
    Snippet("g36_access_event_data", 771, 779, "Access Event Data Correctly", "tool", "The call's name and arguments; the last event is no call, so its `tool_call` is None."),
    Snippet("m01_text_quick_start", 20, 40, "Quick Start, Text Streaming", "text", "Answer, the switch if there was one, the time taken."),
    Snippet("m02_tool_quick_start", 46, 75, "Quick Start, Tool Streaming", "tool", "The name of the called tool; no result, for nothing is there to execute.", situations=("plain", "escalated")),
    Snippet("m03_access_patterns", 83, 87, "Access Patterns, Correct Way", "both", "Two streams that, once read, complete."),
    Snippet("m04_old_way", 93, 98, "Access Patterns, Old Way", "text", "One DeprecationWarning; stream and manager work.", then="told = [event async for event in manager.stream(query)]"),
    Snippet("m05_event_handling", 132, 157, "Custom Event Handling", "text", "Draft model, answer, decision, switch, cost and time; on failure the message.", situations=("plain", "escalated", "broken")),
    Snippet("m06_execution_control", 163, 182, "Tool Execution Control", "tool", "First the manager executes, if there is something to execute; then the reader does.", situations=("callable", "plain")),
    Snippet("m07_text_manager_signature", 215, 236, "TextStreamingManager", "text", "The manager takes these parameters in this order, by position and by name.", then=SIGNATURE.format("text") + "placed = [event async for event in manager.stream(query, 100, 0.7, 'simple', 'cascade', None)]\nnamed = [\n    event\n    async for event in manager.stream(\n        query=query, max_tokens=100, temperature=0.7, complexity='simple',\n        routing_strategy='cascade', tools=None,\n    )\n]\nbare = [event async for event in manager.stream(query)]"),
    Snippet("m08_tool_manager_signature", 242, 266, "ToolStreamingManager", "tool", "The manager takes these parameters in this order, by position and by name.", then=SIGNATURE.format("tool") + "placed = [event async for event in manager.stream(query, tools, 1000, 0.7, None, True, 5)]\nnamed = [\n    event\n    async for event in manager.stream(\n        query=query, tools=tools, max_tokens=1000, temperature=0.7, tool_choice=None,\n        execute_tools=True, max_turns=5,\n    )\n]\nbare = [event async for event in manager.stream(query, tools)]"),
    Snippet("m09_error_handling", 272, 283, "Error Handling", "text", "Nothing; an error's message; without a manager the exception, and a result.", situations=("plain", "broken", "single")),
)  # fmt: skip
"""All snippets, in the order of their names."""

NOT_PYTHON = (
    Block(GUIDE, 42, 49, "shell commands"),
    Block(GUIDE, 410, 410, "heading"),
    Block(GUIDE, 452, 452, "heading"),
    Block(GUIDE, 804, 812, "shell commands"),
    Block(MODULE, 8, 12, "tree of files"),
    Block(MODULE, 200, 207, "shell commands"),
)
"""Everything else in the documents that looks like code: the insides of other fences, comments and
headings that the compiler accepts. Event flows and tables of events it does not accept."""

INTRODUCTION = """\
# Snippets of the documents

Every Python snippet of the two documents about streaming, one file each, unchanged: `g…` of
`streaming-guide.md`, `m…` of `streaming-module.md`. `tests/test_spec_snippets.py` compares them
with the documents and runs them; the page around each (`tests/snippet_page.py`) supplies only what
the documents leave to the reader: a loop around top-level `await`, imports made before, values for
`[...]` and `{...}`, an agent, a query, a server with simulated models. This table is made by
`python -m tests.snippet_table` from `tests/snippet_table.py`.

Situations, that is the agent a snippet meets:

"""


def readme() -> str:
    """The table for people."""
    lines = [f"- **{name}**: {meaning}." for name, meaning in SITUATIONS.items()]
    lines += ["", "| file | lines | part | kind | situations | expected |", "|" + "---|" * 6]
    for one in TABLE:
        cells = (
            f"[{one.name}]({one.name}.py)",
            f"{one.first}-{one.last}",
            one.part,
            one.kind,
            ", ".join(one.situations),
            one.expected,
        )
        lines.append(f"| {' | '.join(cells)} |")
    lines += ["", "Looks like code and is none:", ""]
    lines += [f"- {one.document}, lines {one.first}-{one.last}: {one.what}" for one in NOT_PYTHON]
    return INTRODUCTION + "\n".join(lines) + "\n"


if __name__ == "__main__":
    (FOLDER / "README.md").write_text(readme(), encoding="utf-8")
