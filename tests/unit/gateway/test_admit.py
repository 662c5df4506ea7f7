"""Who is counted together when keys are wrong."""

import pytest

from gateway.actions.admit import origin_of


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", "unknown"),
        ("/run/crossplay.sock", "unknown"),
    ],
)
def test_an_ipv6_client_is_its_whole_network(address: str, origin: str) -> None:
    assert origin_of(address) == origin
