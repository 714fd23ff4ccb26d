"""The catalogue in docs/providers.md is that of the code.

python -m tests.test_docs_providers      prints the rows of the table
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from cascadeflow.providers.catalog import CATALOG, Server

PAGE = Path(__file__).resolve().parents[1] / "docs" / "providers.md"


def rows() -> Iterator[str]:
    for server in CATALOG.values():
        cells = (
            f"`{server.name}`",
            address(server),
            key(server),
            server.dialect,
            "yes" if server.logprobs else "no",
            ", ".join(left_out(server)) or "-",
        )
        yield f"| {' | '.join(cells)} |"


def left_out(server: Server) -> Iterator[str]:
    """Arguments of a call that are not sent."""
    if not server.seed:
        yield "`seed`"
    if not server.stop:
        yield "`stop`"


def address(server: Server) -> str:
    if server.embedded:
        return "started by the agent"
    if server.base_url.startswith("/"):
        return f"your own: {either(server.url_variables)}"
    more = f", or {either(server.url_aliases)}" if server.url_aliases else ""
    return f"`{server.base_url}`{more}"


def key(server: Server) -> str:
    return either(server.key_variables) + ("" if server.needs_key else ", not needed")


def either(variables: tuple[str, ...]) -> str:
    return " or ".join(f"`{name}`" for name in variables)


def test_the_page_lists_every_provider_as_the_catalogue_does() -> None:
    told = PAGE.read_text("utf-8")
    listed = told[told.index("## Catalogue") : told.index('\n"chat" is')]
    found = [line for line in listed.splitlines() if line.startswith("| `")]
    assert found == list(rows())


if __name__ == "__main__":
    print("\n".join(rows()))
