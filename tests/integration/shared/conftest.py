"""The stores of these tests."""

from tests.integration.worker.stores import pool, redis, shared_database_url

__all__ = ["pool", "redis", "shared_database_url"]
