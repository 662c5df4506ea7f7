"""Where the `type` of a problem leads to."""

import pytest

from gateway.problems import KINDS
from tests.integration.gateway.conftest import Caller

pytestmark = pytest.mark.integration

NO_KEY = {"Authorization": ""}


@pytest.mark.parametrize("slug", sorted(KINDS))
@pytest.mark.parametrize("prefix", ["", "/v1"])
async def test_every_problem_type_leads_to_its_cause_and_cure(call: Caller, slug: str, prefix: str) -> None:
    kind = KINDS[slug]

    page = await call("GET", f"{prefix}/problems/{slug}", headers={**NO_KEY, "Accept": "text/html,*/*;q=0.8"})
    plain = await call("GET", f"{prefix}/problems/{slug}", headers=NO_KEY)
    read = await call("GET", f"{prefix}/problems/{slug}", headers={**NO_KEY, "Accept": "application/json"})

    assert (page.status, page.kind, page.text) == (200, "text/html", plain.text)
    assert "What helps" in page.text
    assert read.json == {
        "type": f"/problems/{slug}",
        "code": slug,
        "status": kind.status,
        "title": kind.title,
        "cause": kind.cause,
        "help": kind.cure,
    }


async def test_the_list_names_each_type_once(call: Caller) -> None:
    page = await call("GET", "/problems", headers={**NO_KEY, "Accept": "text/html"})
    read = await call("GET", "/problems", headers={**NO_KEY, "Accept": "application/problem+json"})

    assert {one["code"] for one in read.json["items"]} == set(KINDS)
    assert len(read.json["items"]) == len(KINDS)
    for slug in KINDS:
        assert page.text.count(f'href="/problems/{slug}"') == 1


@pytest.mark.parametrize("slug", ["nothing", "%3Cscript%3E", "Validation"])
async def test_an_unknown_problem_is_a_problem(call: Caller, slug: str) -> None:
    reply = await call("GET", f"/problems/{slug}")

    assert reply.problem() == (404, "not-found")
    assert "script" not in reply.text


async def test_a_form_that_there_is_not_is_refused(call: Caller) -> None:
    reply = await call("GET", "/problems/validation", headers={"Accept": "image/png"})

    assert reply.problem() == (406, "not-acceptable")
