"""The commands of `cascadeflow`, and how each ends.

Exit codes: 0 done; 1 failed; 2 wrong usage or set-up, nothing was sent; 130 interrupted.
"""

from __future__ import annotations

import io
import os
import sys
from typing import Annotated, Literal, TextIO

import typer

from .. import __version__
from ..errors import CascadeflowError, ConfigError
from .ask import ask, chat
from .calibrate import calibrate
from .demo import demo
from .doctor import doctor
from .evaluate import evaluate
from .simulate import simulate
from .views import note

USAGE = 2
"""The exit code of wrong usage."""
BEHIND_DASHES = 'A question that begins with "-" comes after "--": cascadeflow ask -- "-5 + 3 = ?"'

app = typer.Typer(
    name="cascadeflow",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # its tracebacks print local variables, keys among them
    rich_markup_mode=None,
    context_settings={"help_option_names": ["--help", "-h"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"cascadeflow {__version__}\n")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Stream LLM answers through a cascade of models. Start with `cascadeflow demo`."""


for command in (demo, ask, chat, simulate, calibrate, doctor):
    app.command()(command)
app.command("eval")(evaluate)


def run() -> None:
    """Run the command that the arguments name, and exit."""
    # A stream that was closed beforehand is None; its number would go to the next file opened.
    sys.stdin = sys.stdin or _nothing("r")
    sys.stdout = sys.stdout or _nothing("w")
    sys.stderr = sys.stderr or _nothing("w")
    for stream in (sys.stdout, sys.stderr):
        # What the terminal's encoding lacks is shown escaped; it never ends a command.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        try:
            app(prog_name="cascadeflow")
        finally:
            sys.stdout.flush()
    except CascadeflowError as error:
        note(f"error: {error}")
        raise SystemExit(USAGE if isinstance(error, ConfigError) else 1) from None
    except OSError as error:
        if not isinstance(error, BrokenPipeError):  # whose reader has had enough
            note(f"error: {error}")
        # What standard output still holds would be tried again at the end, and fail again.
        with _nothing("w") as nothing:
            os.dup2(nothing.fileno(), sys.stdout.fileno())
        raise SystemExit(1) from None
    except SystemExit as end:
        if end.code == USAGE and any(map(_maybe_question, sys.argv[1:])):
            note(BEHIND_DASHES)
        raise


def _nothing(mode: Literal["r", "w"]) -> TextIO:
    return open(os.devnull, mode)


def _maybe_question(word: str) -> bool:
    """Whether a word that was taken for an option has spaces, other than in an option's value."""
    return word.startswith("-") and " " in word.partition("=")[0]
