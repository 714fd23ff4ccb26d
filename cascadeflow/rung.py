"""One model of a ladder, ready to be asked, and what all its queries know of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from functools import partial
from urllib.parse import urlsplit

import msgspec

from . import costs
from .config import ModelConfig
from .core.health import Health
from .core.ledger import Price
from .forking import Lock
from .logs import logger_named
from .providers.base import Provider
from .providers.catalog import connect, endpoint, find_server, needs_embedded
from .providers.wire import Wire
from .request import check_extra
from .runner import Clock

logger = logger_named("cascadeflow")


class Rung(msgspec.Struct, frozen=True, kw_only=True):
    """One model of the ladder."""

    config: ModelConfig
    provider_name: str
    provider: Provider
    price: Price
    health: Health
    home: object
    """Whom its requests reach: the origin of a server, or a provider in this process."""


def rung_of(
    model: ModelConfig,
    transport: Wire,
    environ: Mapping[str, str],
    clock: Clock,
    known: MutableMapping[object, Health],
) -> Rung:
    """The rung of a model.

    `known`: by endpoint and model, the health of those that are ready.

    Raises:
        ConfigError: it cannot be asked: its provider, address, key or settings are wrong.
    """
    check_extra(model.extra or {}, ())
    base_url: Callable[[], str] | None = None
    if needs_embedded(model, environ):
        from .providers.simulated import embedded_url

        base_url = embedded_url
    name = model.provider if isinstance(model.provider, str) else type(model.provider).__name__
    server = find_server(model)
    place: object = id(model.provider)
    home: object = place
    if server is not None:
        place = url = endpoint(model, server, environ, base_url and base_url())
        home = urlsplit(url)[:2]
    if (place, model.name) not in known:
        known[place, model.name] = health_of(model.name, clock)
    return Rung(
        config=model,
        provider_name=name,
        provider=connect(model, transport, environ, base_url=base_url),
        price=costs.resolve(model, name),
        health=known[place, model.name],
        home=home,
    )


def health_of(model: str, clock: Clock) -> Health:
    """Of a model of which nothing is known yet; changes are logged."""
    return Health(clock, Lock(), partial(_circuit, model))


def _circuit(model: str, pause: float | None, asked: bool) -> None:
    """The circuit breaker of a model has opened or closed."""
    if pause is None:
        logger.info("%s answers again", model)
    elif asked:
        logger.warning("%s is left alone for %.3g s, as its server asked", model, pause)
    else:
        logger.warning("%s is left alone for %.3g s: its last attempts failed", model, pause)
