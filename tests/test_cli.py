from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from cascadeflow import __version__
from cascadeflow.cli.demo import SEARCHED
from cascadeflow.providers.simulated import INSTANT, generate, serve_in_thread

from .faultserver import ThreadedFaultServer

ROOT = Path(__file__).resolve().parents[1]
NOWHERE = "http://127.0.0.1:9/v1"
"""No Ollama answers here, whatever runs on the machine of the test."""


def environment(**more: str) -> dict[str, str]:
    """The environment without keys and addresses of providers."""
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "LANG") if name in os.environ}
    return {
        **kept,
        "OLLAMA_BASE_URL": NOWHERE,
        "PYTHONIOENCODING": "utf-8",
        "COLUMNS": "100",
        **more,
    }


def command(
    *arguments: str, stdin: str = "", env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the command as a user does, in a pipe."""
    return subprocess.run(
        [sys.executable, "-m", "cascadeflow", *arguments],
        input=stdin,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        cwd=ROOT,
        env={**environment(), **(env or {})},
        check=False,
    )


def started(*arguments: str, env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
    """The command, running."""
    return subprocess.Popen(
        [sys.executable, "-m", "cascadeflow", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        cwd=ROOT,
        env={**environment(), **(env or {})},
    )


def json_lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture(scope="module")
def faults() -> Iterator[dict[str, str]]:
    """A misbehaving server, as the environment in which `openai` means it."""
    with ThreadedFaultServer() as server:
        yield {"OPENAI_API_KEY": "sk-test", "OPENAI_BASE_URL": server.url + "/v1"}


# --- demo --------------------------------------------------------------------------------------


def test_demo_in_a_pipe_is_plain_text_that_ends_with_the_next_step() -> None:
    done = command("demo", "--questions", "6", "--fast")
    assert (done.returncode, done.stderr) == (0, "")
    assert "\x1b" not in done.stdout
    for told in ("ACCEPTED", "REJECTED", "SWITCH sim-mini -> sim-large", "p_good", "evidence: "):
        assert told in done.stdout
    rows = [line.split() for line in done.stdout.splitlines() if " alone " in line]
    assert [row[0] for row in rows] == ["small", "large"]
    *_, last = done.stdout.rstrip().splitlines()
    assert last.startswith("Next: ")
    assert "cascadeflow ask --simulated" in last


def test_demo_as_json_shows_what_it_announces_and_measures_all_three() -> None:
    done = command("demo", "--questions", "6", "--fast", "--json", "--seed", "4")
    assert (done.returncode, done.stderr) == (0, "")
    lines = json_lines(done.stdout)
    announced = [line["expected"] for line in lines if line["type"] == "scene"]
    shown = [line["data"] for line in lines if line["type"] == "draft_decision"]
    outcome = {"during": "abandoned", "after": "rejected"}
    assert announced == [
        "accepted" if data["accepted"] else outcome[data["stage"]] for data in shown
    ]
    rows = lines[-1]["rows"]
    assert [row["name"] for row in rows] == ["small alone", "cascade", "large alone"]
    assert all(row["questions"] == 6 and 0 <= row["right"] <= 6 for row in rows)
    assert rows[0]["cost"] < rows[2]["cost"]
    asked = {line["question"] for line in lines if line["type"] == "scene"}
    assert asked
    assert asked <= {question.text for question in generate(4, SEARCHED)}


# --- ask ---------------------------------------------------------------------------------------


def test_the_answer_alone_goes_to_standard_output_of_a_pipe() -> None:
    done = command("ask", "--simulated", "What is 17 * 23?")
    assert done.returncode == 0
    assert "391" in done.stdout
    assert "cost" not in done.stdout
    assert "cost $" in done.stderr
    assert "sim-mini" in done.stderr


def test_a_dash_reads_the_question_from_standard_input() -> None:
    done = command("ask", "--simulated", "-", stdin="What is 17 * 23?\n")
    assert (done.returncode, "391" in done.stdout) == (0, True)


def test_ask_as_json_prints_every_event_on_a_line() -> None:
    done = command("ask", "--simulated", "--json", "What is 17 * 23?")
    lines = json_lines(done.stdout)
    assert (done.returncode, done.stderr) == (0, "")
    assert [line["type"] for line in lines[:2]] == ["routing", "draft_start"]
    assert lines[-1]["type"] == "complete"
    assert "391" in lines[-1]["data"]["result"]["content"]


def test_options_reach_the_server() -> None:
    with serve_in_thread(timing=INSTANT) as server:
        done = command(
            "ask", "-m", "simulated:sim-mini", "--system", "Be brief.", "--max-tokens", "5",
            "--temperature", "0.2", "What is 17 * 23?",
            env={"SIMULATED_BASE_URL": server.url},
        )  # fmt: skip
        body = server.requests[0].body
    assert done.returncode == 0
    assert body["messages"][0] == {"role": "system", "content": "Be brief."}
    assert (body["model"], body["max_tokens"], body["temperature"]) == ("sim-mini", 5, 0.2)


def test_prices_of_the_command_line_are_charged(faults: dict[str, str]) -> None:
    done = command("ask", "--json", "-m", "openai/fault:ok@1000000,0", "hi", env=faults)
    result = json_lines(done.stdout)[-1]["data"]["result"]
    assert result["cost_source"] == "priced"
    assert result["total_cost"] == result["usage"]["input_tokens"] > 0


def test_a_discarded_draft_never_reaches_a_pipe_unless_it_is_asked_for(
    faults: dict[str, str],
) -> None:
    models = ("-m", "openai/fault:rst-after-3?text=DRAFT%20DRAFT%20DRAFT%20DRAFT",
              "-m", "openai/fault:ok?text=FINAL")  # fmt: skip
    held = command("ask", *models, "hi", env=faults)
    live = command("ask", "--reveal", "live", *models, "hi", env=faults)
    assert (held.returncode, held.stdout) == (0, "FINAL\n")
    assert live.stdout.startswith("DRAFT")
    assert "characters above are void]\nFINAL\n" in live.stdout


@pytest.mark.skipif(os.name != "posix", reason="needs a pseudo-terminal")
def test_terminal_escapes_of_a_model_are_shown_on_a_terminal_instead_of_obeyed(
    faults: dict[str, str],
) -> None:
    master, slave = os.openpty()
    arguments = ("ask", "-m", "openai/fault:inject-terminal", "hi")
    done = subprocess.run(
        [sys.executable, "-m", "cascadeflow", *arguments],
        stdin=slave, stdout=slave, stderr=slave, timeout=60, cwd=ROOT, check=False,
        env=environment(TERM="xterm-256color", **faults),
    )  # fmt: skip
    os.close(slave)
    shown = b""
    with contextlib.suppress(OSError):  # Linux reports the end of a terminal as an error
        while piece := os.read(master, 65536):
            shown += piece
    os.close(master)
    assert done.returncode == 0
    assert "␛[2J".encode() in shown
    assert b"answer by fault:inject-terminal" in shown
    assert not any(attack in shown for attack in (b"\x1b[2J", b"\x1b]", b"\x07", b"\rOVER"))


def test_raw_prints_what_the_model_said(faults: dict[str, str]) -> None:
    done = command("ask", "--raw", "-m", "openai/fault:inject-terminal", "hi", env=faults)
    assert "\x1b[2J" in done.stdout


def test_json_is_ascii_and_safe_whatever_the_model_said(faults: dict[str, str]) -> None:
    done = command("ask", "--json", "-m", "openai/fault:inject-terminal", "hi", env=faults)
    assert done.stdout.replace("\n", "").isprintable()
    assert done.stdout.isascii()
    assert "\x1b[2J" in json_lines(done.stdout)[-1]["data"]["result"]["content"]


def test_a_failure_is_one_line_and_exit_code_1(faults: dict[str, str]) -> None:
    done = command("ask", "-m", "openai/fault:401@1,1", "hi", env=faults)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: openai/fault:401: ")
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr
    assert "sk-test" not in done.stderr


def test_a_failure_as_json_names_its_kind(faults: dict[str, str]) -> None:
    done = command("ask", "--json", "-m", "openai/fault:401", "hi", env=faults)
    last = json_lines(done.stdout)[-1]
    assert (done.returncode, last["type"]) == (1, "error")
    assert last["data"]["error"]["kind"] == "auth"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("-m", "gpt-4o", "hi"), "provider/name"),
        (("-m", "opnai/gpt-4o", "hi"), "known are openai"),
        (("-m", "openai/gpt-4o", "hi"), "OPENAI_API_KEY"),
        (("--simulated", "--temperature", "9", "hi"), "between 0 and 2"),
        (("--simulated", "-m", "openai/x", "hi"), "exclude each other"),
        (("--simulated", "  "), "empty"),
        ((), "Missing argument"),
        (("--reveal", "never", "hi"), "held"),
    ],
)
def test_wrong_usage_is_told_in_a_line_with_exit_code_2(
    arguments: tuple[str, ...], told: str
) -> None:
    done = command("ask", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_without_any_model_the_next_step_is_told() -> None:
    done = command("ask", "hi")
    assert (done.returncode, done.stdout) == (1, "")
    for step in ("--simulated", "export OPENAI_API_KEY", "ollama pull", "doctor"):
        assert step in done.stderr


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals")
def test_interrupting_a_question_ends_it_without_a_traceback(faults: dict[str, str]) -> None:
    model = "openai/fault:stall-after-3?secs=60"
    with started("ask", "--json", "-m", model, "hi", env=faults) as process:
        assert process.stdout
        assert process.stderr
        assert any('"chunk"' in line for line in process.stdout)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
        assert "Traceback" not in process.stderr.read()


# --- chat --------------------------------------------------------------------------------------


def test_chat_remembers_until_it_is_told_to_forget() -> None:
    lines = "What is 2 + 3?\nWhat is 4 + 5?\n/reset\n\nWhat is 6 + 7?\n"
    with serve_in_thread(timing=INSTANT) as server:
        done = command(
            "chat", "-m", "simulated/sim-large", stdin=lines, env={"SIMULATED_BASE_URL": server.url}
        )
        asked = [
            [message["role"] for message in request.body["messages"]] for request in server.requests
        ]
    assert done.returncode == 0
    assert asked == [["user"], ["user", "assistant", "user"], ["user"]]
    assert all(answer in done.stdout for answer in ("5", "9", "13"))


def test_commands_of_a_chat_are_answered_on_standard_error() -> None:
    done = command("chat", "--simulated", stdin="What is 2 + 3?\n/frob\n/quit\nWhat is 9 * 9?\n")
    assert done.returncode == 0
    assert "81" not in done.stdout
    for told in ("/frob is no command", "/reset", "/quit", "cost $0.0000"):
        assert told in done.stderr


def test_a_chat_goes_on_after_a_failure_and_ends_with_1_if_the_last_question_failed(
    faults: dict[str, str],
) -> None:
    model = ("-m", "openai/fault:401|ok?text=FINE")
    last_fails = command("chat", "-m", "openai/fault:401", stdin="hi\n", env=faults)
    goes_on = command("chat", *model, stdin="hi\nhi\n", env=faults)
    assert last_fails.returncode == 1
    assert (goes_on.returncode, goes_on.stdout) == (0, "FINE\n")


# --- simulate ----------------------------------------------------------------------------------


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals")
def test_simulate_serves_until_it_is_interrupted_and_exits_0() -> None:
    with started("simulate", "--port", "0") as process:
        assert process.stdout
        assert process.stderr
        first: str = process.stdout.readline()
        url = urlsplit(first.split()[3])
        connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=10)
        connection.request("GET", "/v1/models")
        status = connection.getresponse().status
        connection.close()
        process.send_signal(signal.SIGINT)
        told = process.stdout.read()
        assert (status, process.wait(30), process.stderr.read()) == (200, 0, "")
    assert "curl http://127.0.0.1:" in told
    assert 'ModelConfig("sim-mini", "simulated"' in told


def test_simulate_tells_that_a_port_is_taken() -> None:
    with serve_in_thread() as server:
        done = command("simulate", "--port", str(urlsplit(server.url).port))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("cannot listen on 127.0.0.1 port")


# --- doctor ------------------------------------------------------------------------------------


def test_doctor_names_the_variable_of_a_key_and_never_its_value() -> None:
    secrets = {
        "OPENAI_API_KEY": "sk-hunter2-abcdef",
        "OLLAMA_BASE_URL": "http://user:hunter2@127.0.0.1:9/v1",
        "VLLM_BASE_URL": "http://user:hunter2@far.example:8000/v1",
    }
    for arguments in ((), ("--json",)):
        done = command("doctor", *arguments, env=secrets)
        assert done.returncode == 0
        assert "OPENAI_API_KEY" in done.stdout
        assert "hunter2" not in done.stdout + done.stderr
        assert "abcdef" not in done.stdout + done.stderr


def test_doctor_as_json_lists_the_catalogue_the_servers_and_the_extras() -> None:
    report = json.loads(command("doctor", "--json", env={"GROQ_API_KEY": "x"}).stdout)
    keys = {key["provider"]: key for key in report["keys"]}
    assert keys["groq"]["set_in"] == "GROQ_API_KEY"
    assert keys["anthropic"]["set_in"] is None
    assert {"vllm", "ollama", "llama.cpp", "lmstudio"} <= {one["name"] for one in report["servers"]}
    assert report["extras"]["cli"]["typer"]
    assert report["next"][0].startswith("cascadeflow ask")


def test_doctor_suggests_the_demo_where_there_is_nothing_to_ask() -> None:
    done = command("doctor")
    assert "cascadeflow demo" in done.stdout
    assert "OPENAI_API_KEY: not set" in done.stdout


# --- the command itself ------------------------------------------------------------------------


def test_version_and_help_name_the_commands() -> None:
    assert command("--version").stdout == f"cascadeflow {__version__}\n"
    told = command("--help").stdout
    assert all(name in told for name in ("demo", "ask", "chat", "simulate", "doctor"))


REFUSE = """
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "{name}":
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Refuse())
sys.argv = ["cascadeflow", "demo"]
from cascadeflow.__main__ import main
main()
"""


@pytest.mark.parametrize("name", ["typer", "rich"])
def test_without_the_extra_the_command_tells_how_to_install_it(name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", REFUSE.format(name=name)],
        capture_output=True, encoding="utf-8", timeout=60, cwd=ROOT, env=environment(), check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "")
    assert 'pip install ".[cli]"' in done.stderr
    assert "Traceback" not in done.stderr
