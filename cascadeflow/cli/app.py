"""The commands of `cascadeflow`, and how each ends.

Exit codes: 0 done; 1 failed; 2 wrong usage or set-up, nothing was sent; 130 interrupted.
"""

from __future__ import annotations

import io
import sys
from typing import Annotated

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

app = typer.Typer(
    name="cascadeflow",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # its tracebacks print local variables, keys among them
    rich_markup_mode=None,
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
    for stream in (sys.stdout, sys.stderr):
        # What the terminal's encoding lacks is shown escaped; it never ends a command.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        app(prog_name="cascadeflow")
    except CascadeflowError as error:
        note(f"error: {error}")
        raise SystemExit(2 if isinstance(error, ConfigError) else 1) from None
