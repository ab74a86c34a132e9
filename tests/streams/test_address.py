"""Addresses as people write them."""

from __future__ import annotations

import socket

import pytest

from mien.errors import InputError
from mien.streams.address import KINDS, PORTS, Address, Kind


@pytest.mark.parametrize(
    ("kind", "text", "host", "port"),
    [
        ("vmc", "192.168.1.20:39540", "192.168.1.20", 39540),
        ("vmc", "studio", "studio", 39539),
        ("livelink", ":5000", "127.0.0.1", 5000),
        ("livelink", "", "127.0.0.1", 11111),
        ("ifacialmocap", "[::1]:49983", "::1", 49983),
        ("vmc", "[fe80::1%eth0]", "fe80::1%eth0", 39539),
        ("vmc", " a:1 ", "a", 1),
    ],
)
def test_addresses_are_read(kind: Kind, text: str, host: str, port: int) -> None:
    assert Address.parse(kind, text) == Address(kind, host, port)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a:b", "'b' is no port"),
        ("a:", "'' is no port"),
        ("a:-1", "'-1' is no port"),
        ("a:0", "from 1 to 65535, not 0"),
        ("a:65536", "from 1 to 65535, not 65536"),
        ("a:99999999999", "is no port"),
        ("http://a:1", "expected HOST:PORT"),
        ("a:1:2", "'1:2' is no port"),
        ("::1", "is no port"),
        ("a b:1", "expected HOST:PORT"),
        ("[::1", "expected HOST:PORT"),
    ],
)
def test_what_is_no_address_is_told(text: str, told: str) -> None:
    with pytest.raises(InputError, match=f"vmc '.*{told}"):
        Address.parse("vmc", text)


def test_an_address_is_shown_as_it_is_written() -> None:
    assert str(Address("vmc", "::1", 5)) == "vmc [::1]:5"
    assert str(Address("livelink", "studio", 5)) == "livelink studio:5"
    assert set(PORTS) == set(KINDS)


@pytest.mark.parametrize("host", ["a" * 70, "no name", "nobody.invalid"])
def test_an_unknown_host_is_told(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(InputError, match="the host is not known"):
        Address("vmc", host, 5).resolve()


def test_digits_need_no_name_service() -> None:
    assert Address("vmc", "127.0.0.1", 5).resolve() == (socket.AF_INET, ("127.0.0.1", 5))
