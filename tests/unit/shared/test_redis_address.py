"""Addresses of Redis: one server or a cluster, and nothing of a password in what is told of wrong ones."""

import pytest

from shared.redis_address import parse

PASSWORD = "s3cret,with/signs".replace("/", "%2F").replace(",", "%2C")


def test_the_address_of_one_server_stays_as_it_is() -> None:
    for url in ("redis://:pw@host:6380/2?client_name=x", "rediss://host", "unix:///run/redis.sock?db=1"):
        address = parse(url)

        assert not address.is_cluster
        assert address.node_urls == (url,)


def test_a_cluster_is_named_by_some_of_its_nodes() -> None:
    address = parse(f"redis+cluster://app:{PASSWORD}@10.0.0.1:7000,cache.example,[::1]:7002/0?protocol=3")

    assert address.is_cluster
    assert address.nodes == (("10.0.0.1", 7000), ("cache.example", 6379), ("::1", 7002))
    assert address.node_urls[1] == f"redis://app:{PASSWORD}@cache.example/0?protocol=3"


def test_other_nodes_are_reached_in_the_same_way_as_the_named_ones() -> None:
    address = parse(f"rediss+cluster://:{PASSWORD}@a:7000,b:7001?ssl_cert_reqs=none")

    assert address.node_url("c", 7002) == f"rediss://:{PASSWORD}@c:7002?ssl_cert_reqs=none"
    assert address.node_url("fd00::1", 7002) == f"rediss://:{PASSWORD}@[fd00::1]:7002?ssl_cert_reqs=none"


@pytest.mark.parametrize(
    "url",
    [
        "http://host",
        "redis://",
        "redis://host:port",
        "redis+cluster://",
        "redis+cluster://a:7000,,b:7001",
        "redis+cluster://a:7000,b:x",
        "redis+cluster://a:7000/1",
        "unix+cluster:///run/redis.sock",
    ],
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"address|host|scheme|database"):
        parse(url)


@pytest.mark.parametrize(
    "url", ["redis+cluster://:pa/ss@a:1,b:2", "redis://:pa/ss@host", "xyz://:pa/ss@host"]
)
def test_no_part_of_a_password_is_told(url: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        parse(url)

    assert "pa/ss" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert "pass" not in repr(parse("redis+cluster://:pass@a:1"))
