"""Request and response bodies of rules, of decisions about single tracks, and of retries."""

from datetime import datetime
from typing import Annotated, Any

import msgspec

from gateway.schemas import ONE_ACCOUNT, Cursor, Id, Limit, Text, given, name_account
from shared.db.retries import RetryScope
from shared.models import Platform, Track


def _is_true(name: str) -> dict[str, Any]:
    return {"required": [name], "properties": {name: {"const": True}}}


TRACK_OR_ABSENT = {"oneOf": [given("track"), _is_true("absent")]}
Choice = Annotated[int, msgspec.Meta(ge=1, le=5)]


class RuleSource(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The track that the rule is about: its id, its URI or its share link."""

    track: Text
    platform: Platform | None = None
    connection: Id | None = None

    def __post_init__(self) -> None:
        name_account(self.platform, self.connection)


class RuleTarget(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What it becomes there: the id, URI or share link of a track; or absent, for what is not there."""

    platform: Platform | None = None
    connection: Id | None = None
    track: Text | None = None
    absent: bool = False

    def __post_init__(self) -> None:
        name_account(self.platform, self.connection)
        if (self.track is None) != self.absent:
            raise ValueError("Give `track`, or `absent` as true for a track that is not there")


class RuleRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    source: Annotated[RuleSource, msgspec.Meta(extra_json_schema=ONE_ACCOUNT)]
    target: Annotated[RuleTarget, msgspec.Meta(extra_json_schema={"allOf": [ONE_ACCOUNT, TRACK_OR_ABSENT]})]


class RulesQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    source_platform: Platform | None = None
    target_platform: Platform | None = None
    limit: Limit = 50
    cursor: Cursor | None = None


class RuleSourceResource(msgspec.Struct, frozen=True, kw_only=True):
    platform: Platform
    track: Track


class RuleTargetResource(msgspec.Struct, frozen=True, kw_only=True):
    """track is null where it is absent."""

    platform: Platform
    track: Track | None
    absent: bool


class RuleResource(msgspec.Struct, frozen=True, kw_only=True):
    """What a source track becomes at a platform, in every transfer from now on."""

    id: str
    source: RuleSourceResource
    target: RuleTargetResource
    created_at: datetime
    updated_at: datetime


class RulePage(msgspec.Struct, frozen=True, kw_only=True):
    items: tuple[RuleResource, ...]
    next_cursor: str | None


class MatchDecision(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Exactly one of: candidate (a number in `alternatives`, from 1), track (id, URI or share link), skip.

    remember: decide it like that in every transfer to this platform.
    """

    candidate: Choice | None = None
    track: Text | None = None
    skip: bool = False
    remember: bool = False

    def __post_init__(self) -> None:
        if [self.candidate is not None, self.track is not None, self.skip].count(True) != 1:
            raise ValueError("Give exactly one of `candidate`, `track` and `skip` (true)")


Decision = Annotated[
    MatchDecision,
    msgspec.Meta(extra_json_schema={"oneOf": [given("candidate"), given("track"), _is_true("skip")]}),
]
"""The same with what its own check says, for the API document."""


class RetryRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to try again; null: a failed transfer as a whole, or all that a completed one has not moved.

    unmatched: tracks without a match. failed: tracks that the target did not take. all: both. deferred:
    hurries look-ups that wait, while the transfer goes on.
    """

    scope: RetryScope | None = None
