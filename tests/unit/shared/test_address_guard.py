"""The guard: which addresses users may make this server call, however they are written."""

import ipaddress

import pytest

from shared.address_guard import AddressGuard, UrlRefused, is_public
from shared.settings import parse_networks

PUBLIC = (
    "1.1.1.1",
    "93.184.215.14",
    "192.0.1.1",
    "2606:4700::1111",
    "2a00:1450:4001:80e::200e",
    "2001:200::1",
)
NOT_PUBLIC = {
    "unspecified": "0.0.0.0",
    "private A": "10.1.2.3",
    "carrier grade": "100.64.0.1",
    "metadata of Alibaba": "100.100.100.200",
    "loopback": "127.0.0.1",
    "metadata of most clouds": "169.254.169.254",
    "private B": "172.31.255.255",
    "metadata of Oracle": "192.0.0.192",
    "documentation": "192.0.2.1",
    "6to4 relay": "192.88.99.1",
    "private C": "192.168.0.1",
    "benchmarks": "198.19.0.1",
    "metadata of Azure": "168.63.129.16",
    "multicast": "224.0.0.1",
    "reserved": "240.0.0.1",
    "broadcast": "255.255.255.255",
    "IPv6 unspecified": "::",
    "IPv6 loopback": "::1",
    "IPv4-compatible": "::127.0.0.1",
    "IPv4-mapped": "::ffff:127.0.0.1",
    "IPv4-mapped public": "::ffff:1.1.1.1",
    "NAT64": "64:ff9b::7f00:1",
    "local NAT64": "64:ff9b:1::1",
    "discard": "100::1",
    "Teredo": "2001::1",
    "IPv6 documentation": "2001:db8::1",
    "new IPv6 documentation": "3fff::1",
    "6to4": "2002:7f00:1::1",
    "unique local": "fd00::1",
    "metadata of AWS": "fd00:ec2::254",
    "link-local": "fe80::1",
    "link-local with a zone": "fe80::1%1",
    "site-local": "fec0::1",
    "IPv6 multicast": "ff02::1",
}
OTHER_SPELLINGS = (
    "2130706433",
    "0x7f000001",
    "0177.0.0.1",
    "0x7f.0.0.1",
    "127.1",
    "127.0.1",
    "127.0.0.1.",
    "0",
    "1.2.3.4.5",
    "example.0x7f",
    "[::1%25lo]",
    "[::ffff:7f00:1]",
    "[0:0:0:0:0:0:0:1]",
)


@pytest.mark.parametrize("text", PUBLIC)
def test_what_everybody_reaches_passes(text: str) -> None:
    assert is_public(ipaddress.ip_address(text))


@pytest.mark.parametrize("text", NOT_PUBLIC.values(), ids=NOT_PUBLIC.keys())
def test_what_not_everybody_reaches_is_refused(text: str) -> None:
    address = ipaddress.ip_address(text)

    host = f"[{text}]" if address.version == 6 else text

    assert not AddressGuard().lets_pass(address, is_encrypted=True)
    with pytest.raises(UrlRefused):
        AddressGuard().check_url(f"https://{host}/hook")


@pytest.mark.parametrize("host", OTHER_SPELLINGS)
def test_an_address_in_another_spelling_is_refused(host: str) -> None:
    with pytest.raises(UrlRefused):
        AddressGuard().check_url(f"https://{host}/hook")


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/hooks/crossplay?key=1",
        "https://EXAMPLE.org:8443",
        "https://xn--bcher-kva.example/hook",
        "https://example.org./hook",
        "https://under_score.example.org/hook",
        "https://1.1.1.1/hook",
        "https://[2606:4700::1111]:444/hook",
    ],
)
def test_an_address_that_may_be_public_passes(url: str) -> None:
    AddressGuard().check_url(url)


@pytest.mark.parametrize(
    ("url", "cure"),
    [
        ("http://example.org/hook", "https://"),
        ("ftp://example.org/hook", "https://"),
        ("file:///etc/passwd", "https://"),
        ("example.org/hook", "https://"),
        ("https:///hook", "whole address"),
        ("https://example.org:0/", "whole address"),
        ("https://example.org:99999/", "whole address"),
        ("https://example.org:/", "whole address"),
        ("https://[::1", "whole address"),
        ("https://mira:secret@example.org/", "user and password"),
        ("https://example.org@127.0.0.1/", "user and password"),
        ("https://example.org/hook#part", "`#`"),
        ("https://example.org/hook#", "`#`"),
        ("https://example.org\\@127.0.0.1/", "backslashes"),
        ("https://example.org/a b", "spaces"),
        ("https://example.org/\r\nhost: x", "spaces"),
        ("https://bücher.example/", "xn--"),
        ("https://１２７.0.0.1/", "ASCII"),
        ("https://exa%6dple.org/", "letters"),
        ("https://-example.org/", "letters"),
        ("https://example..org/", "letters"),
        ("https://" + "a" * 2000, "2000"),
        ("https://" + "a." * 150 + "org/", "letters"),
    ],
)
def test_what_cannot_be_called_is_refused_with_the_cure(url: str, cure: str) -> None:
    with pytest.raises(UrlRefused, match=cure):
        AddressGuard().check_url(url)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9000/", "https://127.0.0.1/", "http://[::1]/", "http://name/"]
)
def test_networks_of_the_operators_own_are_open_and_need_no_encryption(url: str) -> None:
    AddressGuard(parse_networks("127.0.0.0/8, ::1/128")).check_url(url)


def test_an_open_network_opens_nothing_else() -> None:
    guard = AddressGuard(parse_networks("127.0.0.0/8"))

    assert guard.lets_pass(ipaddress.ip_address("127.0.0.1"), is_encrypted=False)
    assert guard.lets_pass(ipaddress.ip_address("1.1.1.1"), is_encrypted=True)
    assert not guard.lets_pass(ipaddress.ip_address("1.1.1.1"), is_encrypted=False)
    assert not guard.lets_pass(ipaddress.ip_address("10.0.0.1"), is_encrypted=True)
    assert not guard.lets_pass(ipaddress.ip_address("::ffff:127.0.0.1"), is_encrypted=True)
