"""The API's manners: repeated requests, versions, pages, rates, bad input, a browser's session."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance import commands as cmd
from appliance.store.models import ApiReply
from tests.sim.web.api_scene import ApiClient, fill, key
from tests.sim.web.fakes import FakeBox
from webui import bearer

pytestmark = pytest.mark.sim


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[FakeBox, dict[str, str], ApiClient]]:
    box = FakeBox(Path(tmp_path_factory.mktemp("box")))
    box.set_up()
    yield box, fill(box), ApiClient(box, key(box))
    box.bus.close()


Scene = tuple[FakeBox, dict[str, str], ApiClient]


def test_a_repeated_post_is_carried_out_once_and_answered_alike(scene: Scene) -> None:
    box, _ids, client = scene
    body = {"name": "Partner", "scopes": ["reports.read"]}
    first = client.ask("POST", "/tokens", json=body, headers={"Idempotency-Key": "abc"})
    again = client.ask("POST", "/tokens", json=body, headers={"Idempotency-Key": "abc"})
    assert first.status_code == again.status_code == 201
    assert first.json == again.json
    assert again.headers["Idempotency-Replayed"] == "true"
    other = client.ask("POST", "/tokens", json={**body, "name": "B"}, headers={"Idempotency-Key": "abc"})
    assert (other.status_code, other.json["error_id"]) == (422, "request.key_reused")
    secret = first.json["data"]["token"]
    with box.bus.store.read() as session:
        kept = session.query(ApiReply).all()
        assert kept
        assert all(secret.encode() not in row.sealed for row in kept), "no secret stands in the database"


def test_a_refused_post_may_be_mended_under_the_same_key(scene: Scene) -> None:
    client = scene[2]
    headers = {"Idempotency-Key": "mend"}
    assert client.ask("POST", "/campaigns", json={"name": "", "mode": "no"}, headers=headers).status_code == 400
    assert client.ask("POST", "/campaigns", json={"name": "M", "mode": "preview"}, headers=headers).status_code == 201


def test_a_request_that_is_still_being_carried_out_is_not_begun_twice(scene: Scene) -> None:
    box, _ids, client = scene
    inside, go_on = threading.Event(), threading.Event()
    real = box.bus.request

    def slow(command: cmd.Command, *, timeout_s: float = 5.0) -> cmd.Done:
        if isinstance(command, cmd.SaveCampaign):
            inside.set()
            assert go_on.wait(60)
        return real(command, timeout_s=timeout_s)

    box.bus.request = slow  # type: ignore[method-assign]
    answers: list[int] = []

    def post() -> None:
        body = {"name": "Slow", "mode": "preview"}
        answers.append(client.ask("POST", "/campaigns", json=body, headers={"Idempotency-Key": "s"}).status_code)

    try:
        first = threading.Thread(target=post)
        first.start()
        assert inside.wait(60)
        post()
        go_on.set()
        first.join(60)
    finally:
        box.bus.request = real  # type: ignore[method-assign]
    assert answers == [409, 201]


def test_two_who_change_the_same_thing(scene: Scene) -> None:
    _box, ids, client = scene
    path = f"/departments/{ids['departments']}"
    listed = client.ask("GET", "/departments").json["items"]
    assert [one["name"] for one in listed] == ["North"]
    assert client.ask("PUT", path, json={"name": "South"}).status_code == 428
    assert client.ask("PUT", path, json={"name": "South"}, headers={"If-Match": '"old"'}).status_code == 412
    assert client.ask("PUT", path, json={"name": "South"}, headers={"If-Match": "*"}).status_code == 200
    seat = client.ask("GET", "/seats/seat01")
    tag = seat.headers["ETag"]
    assert client.ask("GET", "/seats/seat01", headers={"If-None-Match": tag}).status_code == 304
    assert client.ask("PUT", "/seats/seat01", json={"display_name": "A"}, headers={"If-Match": tag}).status_code == 200
    lost = client.ask("PUT", "/seats/seat01", json={"display_name": "B"}, headers={"If-Match": tag})
    assert (lost.status_code, lost.json["error_id"]) == (412, "edit.conflict")
    assert client.ask("PUT", "/seats/seat02", json={"display_name": "New"}).status_code == 200, "nothing to overwrite"


def test_pages_hold_every_row_once(scene: Scene) -> None:
    client = scene[2]
    for path, count in (("/attempts", 5), ("/numbers", 5), ("/leads?state=waiting", 5), ("/callbacks", 1)):
        seen: list[str] = []
        cursor = ""
        for _turn in range(10):
            more = f"{'&' if '?' in path else '?'}limit=2" + (f"&cursor={cursor}" if cursor else "")
            page = client.ask("GET", path + more).json
            seen += [one.get("id") or one["number"] for one in page["items"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        assert len(seen) == len(set(seen)) == count, path
    assert client.ask("GET", "/attempts?cursor=%00").status_code == 400


def test_filters_and_spans(scene: Scene) -> None:
    client = scene[2]
    assert len(client.ask("GET", "/attempts?number=%2B8613812345002").json["items"]) == 1
    assert client.ask("GET", "/attempts?until=2026-01-01T00:00:00Z").json["items"] == []
    assert len(client.ask("GET", "/attempts?abandoned=false&limit=500").json["items"]) == 5
    assert client.ask("GET", "/attempts?colour=red").status_code == 400


def test_a_list_goes_in_by_the_api(scene: Scene) -> None:
    client = scene[2]
    sent = client.ask("POST", "/uploads?file_name=a.csv", data="姓名,电话\n王,13811112222\n".encode())
    assert sent.status_code == 201
    upload = {"upload_id": sent.json["id"]}
    assert client.ask("POST", "/lists/inspect", json=upload).json["data"]["columns"] == ["姓名", "电话"]
    done = client.ask("POST", "/imports", json={**upload, "campaign_name": "By API", "dry_run": False})
    assert client.ask("GET", f"/imports/{done.json['id']}").json["accepted"] == 1
    assert client.ask("POST", "/imports", json={"upload_id": "../../etc/passwd"}).status_code == 404


@pytest.mark.parametrize(
    ("sent", "kind", "status"),
    [("{", "application/json", 400), ("[]", "application/json", 400), ('{"name": "a"}', "text/plain", 415),
     ('{"name": "a", "mode": "preview", "colour": 1}', "application/json", 400),
     ('{"name": "\\ud800", "mode": "preview"}', "application/json", 400), ("[" * 5000, "application/json", 400)],
)  # fmt: skip
def test_bad_bodies_are_told_in_problem_json(scene: Scene, sent: str, kind: str, status: int) -> None:
    answer = scene[2].ask("POST", "/campaigns", data=sent, content_type=kind)
    assert answer.status_code == status
    assert answer.content_type == "application/problem+json"
    assert {"type", "title", "status", "error_id", "detail"} <= set(answer.json)


def test_only_files_may_be_large(scene: Scene) -> None:
    answer = scene[2].ask("POST", "/campaigns", data=b" " * (3 * 2**20), content_type="application/json")
    assert (answer.status_code, answer.json["error_id"]) == (413, "http.413")
    sent = scene[2].ask("POST", "/uploads?file_name=big.csv", data=b"1\n" * (3 * 2**20))
    assert sent.status_code == 201


def test_who_asks_too_often_is_told_when_to_come_back(scene: Scene) -> None:
    box = scene[0]
    made = box.by_administrator(cmd.MakeApiToken, name="eager", scopes=["campaigns.read"])
    client = ApiClient(box, made.data["token"])
    assert client.ask("GET", "/me").status_code == 200
    bucket = bearer.limiter.buckets[str(made.id)]
    bucket.left, bucket.at_s = 0.0, time.monotonic() + 60  # nothing comes back before the next request
    answer = client.ask("GET", "/me")
    assert (answer.status_code, answer.json["error_id"]) == (429, "request.too_often")
    assert int(answer.headers["Retry-After"]) >= 1


def test_a_bucket_fills_again() -> None:
    bucket = bearer.Bucket(per_minute=60, at_s=100.0)
    assert [bucket.take(100.0) for _ in range(60)] == [0.0] * 60
    assert bucket.take(100.0) == pytest.approx(1.0)
    assert bucket.take(101.0) == 0.0


def test_a_browser_reads_by_its_session_and_writes_only_with_the_form_token(scene: Scene) -> None:
    client = scene[0].client("administrator")
    assert client.get("/api/v1/campaigns").status_code == 200
    body = {"name": "Forged", "mode": "preview"}
    assert client.post("/api/v1/campaigns", json=body, base_url="https://localhost").status_code == 400
    assert all(one["name"] != "Forged" for one in client.get("/api/v1/campaigns").json["items"])


def test_the_use_of_a_key_is_noted(scene: Scene) -> None:
    client = scene[2]
    client.ask("GET", "/me")
    assert any(one["last_used_at"] for one in client.ask("GET", "/tokens").json["items"])


def test_the_reference_stands_without_anything_from_outside(scene: Scene) -> None:
    page = scene[0].client("agent").get("/api/v1/reference")
    assert page.status_code == 200
    assert "/api/v1/campaigns/{campaign_id}/action" in page.text
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    assert "http://" not in page.text
    assert "https://" not in page.text


def test_a_key_reads_what_the_pages_show(scene: Scene) -> None:
    """Reads whose answer the random asking of test_api_schema seldom meets with something in it."""
    box, ids, client = scene
    card = {"sections": [{"title": "Talk", "weight": 1, "questions": [{"text": "Tone", "kind": "yes_no"}]}]}
    made = client.ask("POST", "/scorecards", json={"name": "Card", "card": card}).json["id"]
    read = client.ask("GET", f"/scorecards/{made}")
    assert read.json["card"]["sections"][0]["questions"][0]["text"] == "Tone"
    change = {"name": "Card", "card": card}
    stale = client.ask("PUT", f"/scorecards/{made}", json=change, headers={"If-Match": '"x"'})
    assert stale.status_code == 412
    headers = {"If-Match": read.headers["ETag"]}
    assert client.ask("PUT", f"/scorecards/{made}", json=change, headers=headers).status_code == 200
    plan = {"name": "Weekly", "scorecard_id": made, "rules": {"per_agent": 2}}
    assert client.ask("POST", "/sampling-plans", json=plan).status_code == 201
    assert [one["name"] for one in client.ask("GET", "/sampling-plans").json["items"]] == ["Weekly"]
    (box.home.logs / "engine.log").write_text("level=info state=ready\nlevel=error number=+8613812345678\n", "utf-8")
    log = client.ask("GET", "/services/engine/log?level=error").json["lines"]
    assert len(log) == 1
    assert "13812345678" not in log[0], "personal data stays masked"
    assert client.ask("GET", "/services/nothing/log").status_code == 404
    assert [one["seat_id"] for one in client.ask("GET", "/room").json["agents"]] == ["seat01"]
    chosen = client.ask("PATCH", "/me", json={"theme": "dark"})
    assert chosen.status_code == 200, chosen.json
    assert client.ask("PATCH", "/me", json={"password": "x"}).status_code == 400
    assert client.ask("GET", "/me").json["language"] == "en"
    assert client.ask("POST", "/backups/adopt", data=b"no backup").status_code == 400
    assert client.ask("GET", f"/recordings/{ids['recordings']}/notes").status_code == 200
