"""`cascadeflow simulate`: the simulated models as a server that speaks OpenAI's chat API."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from .views import note

READY = """\
Simulated models at {url} (Ctrl-C ends).
Names with mini, small, haiku, 8b, nano, flash or lite are the small model, others the large one.

  curl {url}/chat/completions -H 'content-type: application/json' \\
    -d '{{"model": "sim-mini", "messages": [{{"role": "user", "content": "What is 17 * 23?"}}]}}'

  from cascadeflow import CascadeAgent, ModelConfig
  agent = CascadeAgent([
      ModelConfig("sim-mini", "simulated", base_url="{url}"),
      ModelConfig("sim-large", "simulated", base_url="{url}"),
  ])
  print(agent.run_sync("What is 17 * 23?").content)
"""


def simulate(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any free port.")] = 8808,
    seed: Annotated[int, typer.Option(help="Which mistakes the models make.")] = 0,
) -> None:
    """Serve the simulated models on this machine.

    They speak the OpenAI chat API, need no key, and serve until Ctrl-C.
    """
    from ..providers.simulated import run

    try:
        run(host, port, seed=seed, ready=_announce)
    except KeyboardInterrupt:
        raise typer.Exit(0) from None
    except OSError as error:
        note(f"cannot listen on {host} port {port}: {error}")
        raise typer.Exit(1) from None


def _announce(url: str) -> None:
    sys.stdout.write(READY.format(url=url))
    sys.stdout.flush()
