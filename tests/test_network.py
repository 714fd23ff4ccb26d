"""Proxies and certificate authorities out of an environment."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cascadeflow.errors import ConfigError
from cascadeflow.providers.network import Direct, Routes, origin_of, proxy_for, tls_context

from .test_transport_tls import tls_server

HTTP, HTTPS = "http://api.test/v1", "https://api.test/v1"


@pytest.mark.parametrize(
    ("environ", "url", "proxy"),
    [
        ({}, HTTPS, None),
        ({"HTTPS_PROXY": "http://p:3128"}, HTTPS, "http://p:3128"),
        ({"HTTPS_PROXY": "http://p:3128"}, HTTP, None),
        ({"HTTP_PROXY": "http://p:3128"}, HTTP, "http://p:3128"),
        ({"HTTP_PROXY": "http://p:3128", "REQUEST_METHOD": "GET"}, HTTP, None),
        ({"http_proxy": "http://q", "HTTP_PROXY": "http://p"}, HTTP, "http://q"),
        ({"http_proxy": "", "HTTP_PROXY": "http://p"}, HTTP, None),
        ({"ALL_PROXY": "http://all"}, HTTPS, "http://all"),
        ({"all_proxy": "http://all", "https_proxy": "https://one"}, HTTPS, "https://one"),
        ({"https_proxy": "p.test:3128"}, HTTPS, "http://p.test:3128"),
        ({"https_proxy": "http://u:secret@p.test"}, HTTPS, "http://u:secret@p.test"),
    ],
)
def test_the_proxy_comes_from_the_environment(
    environ: dict[str, str], url: str, proxy: str | None
) -> None:
    assert proxy_for(url, environ) == proxy


@pytest.mark.parametrize(
    ("no_proxy", "url", "exempt"),
    [
        ("*", HTTPS, True),
        ("api.test", HTTPS, True),
        (".test", HTTPS, True),
        ("*.test", HTTPS, True),
        ("other.test, API.TEST", HTTPS, True),
        ("pi.test", HTTPS, False),
        ("api.test:443", HTTPS, True),
        ("api.test:444", HTTPS, False),
        ("api.test:8080", "https://api.test:8080/x", True),
        ("127.0.0.1", "https://127.0.0.1:9/x", True),
        ("::1,x", "https://[::1]:9/x", True),
        ("[::1]:9", "https://[::1]:9/x", True),
        (" , . ,", HTTPS, False),
        ("10.0.0.0/8", "https://10.1.2.3/x", True),
        ("x,10.0.0.0/8", "https://10.1.2.3:8443/x", True),
        ("10.0.0.0/8", "https://11.1.2.3/x", False),
        ("10.9.9.9/8", "https://10.1.2.3/x", True),
        ("10.1.2.3/32", "https://10.1.2.3/x", True),
        ("fd00::/8", "https://[fd12::1]:9/x", True),
        ("fd00::/8", "https://10.1.2.3/x", False),
        ("10.0.0.0/8", HTTPS, False),
        ("10.0.0.0/99,a/b", "https://10.1.2.3/x", False),
    ],
)
def test_no_proxy_exempts_hosts(no_proxy: str, url: str, exempt: bool) -> None:
    environ = {"HTTPS_PROXY": "http://p", "NO_PROXY": no_proxy}
    assert (proxy_for(url, environ) is None) == exempt


def test_a_proxy_of_another_kind_is_refused_without_its_password() -> None:
    with pytest.raises(ConfigError, match="http:// or https://") as caught:
        proxy_for(HTTPS, {"ALL_PROXY": "socks5://user:hunter2@p:1080"})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["ftp://x/y", "file:///etc", "/v1", "http://", "http://x:99999/", ""]
)
def test_only_http_and_https_are_allowed(url: str) -> None:
    with pytest.raises(ConfigError, match="http:// or https://"):
        origin_of(url)


def test_credentials_in_a_url_are_refused_and_not_shown() -> None:
    for url in ("https://user:hunter2@api.test/", "ftp://user:hunter2@api.test/"):
        with pytest.raises(ConfigError) as caught:
            origin_of(url)
        assert "hunter2" not in str(caught.value)


def test_an_origin_is_scheme_host_and_port() -> None:
    assert origin_of("https://api.test:8443/v1?key=1#x") == "https://api.test:8443"


def test_certificate_authorities_that_cannot_be_loaded_are_named(tmp_path: Path) -> None:
    broken = tmp_path / "broken.pem"
    broken.write_text("not a certificate")
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
        for path in (broken, tmp_path / "missing.pem"):
            with pytest.raises(ConfigError, match=path.name):
                tls_context({name: str(path)})


def test_only_a_route_with_tls_needs_certificate_authorities() -> None:
    routes = Routes({"SSL_CERT_FILE": "/does/not/exist"})
    assert routes.find(HTTP) == ("http://api.test", None, None)
    with pytest.raises(ConfigError, match="SSL_CERT_FILE"):
        routes.find(HTTPS)


def test_routes_of_one_environment_share_one_tls_context() -> None:
    routes = Routes({"http_proxy": "https://p"})
    first = routes.find(HTTPS)
    assert routes.find(HTTPS) is first
    assert routes.find(HTTP).tls is first.tls is not None


def test_a_direct_url_is_gone_to_without_a_proxy() -> None:
    routes = Routes({"all_proxy": "http://p"})
    for _ in range(2):
        assert routes.find(Direct(HTTP)).proxy is None
        assert routes.find(HTTP).proxy == "http://p"


def test_all_environments_with_the_same_authorities_share_one_tls_context(tmp_path: Path) -> None:
    tls_server(tmp_path)
    bundle = tmp_path / "server.pem"
    environ = {"SSL_CERT_FILE": str(bundle)}
    with ThreadPoolExecutor(8) as pool:
        contexts = {*pool.map(tls_context, [environ] * 16)}
    assert len(contexts) == 1
    assert tls_context({}) is tls_context({"OTHER": "x"})
    assert tls_context({}) not in contexts
    bundle.write_text(bundle.read_text() + "\n")
    assert tls_context(environ) not in contexts
