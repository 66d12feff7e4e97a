"""Quality by its pages: a card is made, calls are drawn and scored, agents appeal, scorers are calibrated."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from appliance.commands import DecideAppeal, RetireScorecard, SaveDepartment, SaveRole, SaveSamplingPlan, SaveUser
from appliance.errors import NotAllowedError
from appliance.jobs.quality.plans import SamplingPlans
from appliance.jobs.search_index import SearchIndex
from appliance.store.models import SamplingPlan, ScoringTask
from appliance.store.read import audit, quality
from tests.sim.web.fakes import PASSWORD, FakeBox
from tests.sim.web.forms import post
from tests.sim.web.recording_scene import make_recording

pytestmark = pytest.mark.sim

CARD = {
    "name": "Politeness", "s0.title": "Opening", "s0.weight": "1", "s0.q0.text": "Said his name",
    "s0.q0.kind": "yes_no", "s0.q0.weight": "1", "s0.q1.text": "Said the notice", "s0.q1.kind": "yes_no",
    "s0.q1.weight": "1", "s0.q1.knock_out": "1", "s1.title": "Talk", "s1.weight": "3", "s1.q0.text": "Tone",
    "s1.q0.kind": "scale", "s1.q0.top": "4", "s1.q0.weight": "2", "s1.q1.text": "Asked why", "s1.q1.kind": "yes_no",
    "s1.q1.weight": "1", "s1.q1.may_skip": "1",
}  # fmt: skip
NEW_CARD = "/quality/scorecards/new"
GOOD = {"q.q1": "1", "q.q2": "1", "q.q3": "3", "q.q4": "-"}


@pytest.fixture(scope="module")
def room(box: FakeBox) -> FakeBox:
    """Six archived calls of one agent, one of another, and the card."""
    box.add_user("second", "supervisor")
    box.add_user("rookie", "agent")
    for n in range(6):
        make_recording(box, f"r{n}", "agent", duration_s=60.0 + n)
    make_recording(box, "r9", "rookie")
    made = post(box.client("supervisor"), "/quality/scorecards/save", CARD, page=NEW_CARD)
    assert made.status_code == 302
    return box


def _card_id(box: FakeBox) -> str:
    return quality.cards(box.bus.store)[0].id


def _ask(box: FakeBox, recording_id: str, login: str = "supervisor") -> str:
    made = post(box.client(login), "/quality/ask", {"recording_id": recording_id, "scorecard_id": _card_id(box)},
                page=f"/recordings/{recording_id}")  # fmt: skip
    assert made.status_code == 302, made.text
    return made.headers["Location"].rsplit("/", 1)[1]


def _give(client: FlaskClient, task_id: str, answers: dict[str, str]) -> TestResponse:
    return post(client, f"/quality/tasks/{task_id}/score", answers, page="/quality")


def _evaluation(box: FakeBox, recording_id: str) -> quality.ScoreView:
    return quality.scores(box.bus.store, recording_id=recording_id)[0]


def test_a_card_grows_in_its_form_and_mistakes_stand_beside_their_fields(room: FakeBox) -> None:
    client = room.client("supervisor")
    more = post(client, "/quality/scorecards/save", {**CARD, "do": "add_question.1"}, page=NEW_CARD).text
    assert 'name="s1.q2.text"' in more
    less = post(client, "/quality/scorecards/save", {**CARD, "do": "drop_section.0"}, page=NEW_CARD).text
    assert "Opening" not in less
    wrong = post(client, "/quality/scorecards/save", {**CARD, "name": "Other", "s0.q0.text": " ", "s1.q0.top": "12"},
                 page=NEW_CARD)  # fmt: skip
    assert wrong.status_code == 400
    assert wrong.text.count("is-invalid") == 2
    taken = post(client, "/quality/scorecards/save", CARD, page=NEW_CARD)
    assert (taken.status_code, taken.text.count("is-invalid")) == (400, 1)


def test_a_call_is_scored_and_the_agent_sees_it(room: FakeBox) -> None:
    client, task_id = room.client("supervisor"), _ask(room, "r0")
    page = client.get(f"/quality/tasks/{task_id}").text
    assert "data-player" in page
    missing = _give(client, task_id, {"q.q1": "1"})
    assert missing.status_code == 400
    assert missing.text.count("score-question is-wrong") == 3
    assert _give(client, task_id, {**GOOD, "comment": "Well done"}).status_code == 302
    found = _evaluation(room, "r0")
    assert found.score == pytest.approx((1 + 3 * 0.75) / 4)
    SearchIndex(room.bus.store).sweep()
    assert '"/recordings/r0"' in client.get("/recordings?score_from=81&score_to=82").text
    assert '"/recordings/r0"' not in client.get("/recordings?score_from=83").text
    agent = room.client("agent")
    assert f"/quality/scores/{found.id}" in agent.get("/quality/scores").text
    assert "Well done" in agent.get(f"/quality/scores/{found.id}").text
    assert _give(client, task_id, GOOD).status_code == 400  # it is done
    made = post(client, "/quality/ask", {"recording_id": "r0", "scorecard_id": _card_id(room)}, page="/recordings/r0")
    assert made.status_code == 400  # never the same call twice


def test_a_knock_out_makes_it_nothing(room: FakeBox) -> None:
    _give(room.client("supervisor"), _ask(room, "r1"), {**GOOD, "q.q2": "0"})
    found = _evaluation(room, "r1")
    assert (found.score, found.knocked_out) == (0.0, True)


def test_agents_see_only_their_own(room: FakeBox) -> None:
    found, rookie = _evaluation(room, "r1"), room.client("rookie")
    assert "/quality/scores/" + found.id not in rookie.get("/quality/scores").text
    assert rookie.get(f"/quality/scores/{found.id}").status_code == 404
    assert post(rookie, f"/quality/scores/{found.id}/appeal", {"text": "x"}, page="/quality/scores").status_code == 404
    for page in ("/quality", "/quality/results", "/quality/scorecards", "/quality/calibrations"):
        assert rookie.get(page).status_code == 403


def test_an_appeal_is_answered_and_both_scores_are_kept(room: FakeBox) -> None:
    found, agent = _evaluation(room, "r1"), room.client("agent")
    url = f"/quality/scores/{found.id}"
    assert post(agent, f"{url}/appeal", {"text": " "}, page=url).status_code == 400
    assert post(agent, f"{url}/appeal", {"text": "The notice is at 0:05"}, page=url).status_code == 302
    assert post(agent, f"{url}/appeal", {"text": "again"}, page=url).status_code == 400
    client = room.client("second")
    assert url in client.get("/quality/scores/appeals").text
    appeal = quality.open_appeals(room.bus.store, None)[0]
    with pytest.raises(NotAllowedError):  # nobody answers his own
        room.bus.request(DecideAppeal(actor_id=room.people["agent"], appeal_id=appeal.id, accept=True, answer="yes"))
    done = post(client, f"{url}/appeals/{appeal.id}", {**GOOD, "decision": "accept", "answer": "Heard it"}, page=url)
    assert done.status_code == 302
    kept = quality.score(room.bus.store, found.id)
    assert kept is not None
    assert (kept.appeals[0].before["score"], kept.appeals[0].after["score"]) == (0.0, kept.score)
    assert kept.score > 0.8
    assert "Heard it" in agent.get(url).text
    refused = post(agent, f"{url}/appeal", {"text": "still too low"}, page=url)
    assert refused.status_code == 302
    second = quality.open_appeals(room.bus.store, None)[0]
    post(client, f"{url}/appeals/{second.id}", {"decision": "refuse", "answer": "It stays"}, page=url)
    after = quality.score(room.bus.store, found.id)
    assert after is not None
    assert [one.state for one in after.appeals] == ["accepted", "refused"]


def test_a_used_card_gets_a_version_and_old_scores_keep_theirs(room: FakeBox) -> None:
    client, card_id = room.client("supervisor"), _card_id(room)
    seen = quality.card_version(room.bus.store, card_id)
    changed = {**CARD, "scorecard_id": card_id, "version": seen, "s0.q0.id": "q1", "s0.q1.id": "q2", "s1.q0.id": "q3",
               "s1.q1.id": "q4", "s1.q0.text": "Tone of voice"}  # fmt: skip
    assert post(client, "/quality/scorecards/save", changed, page=f"/quality/scorecards/{card_id}").status_code == 302
    assert quality.cards(room.bus.store)[0].version == 2
    old = _evaluation(room, "r0")
    page = client.get(f"/quality/scores/{old.id}").text
    assert "Tone of voice" not in page
    late = post(client, "/quality/scorecards/save", {**changed, "s1.q0.text": "Voice"}, page="/quality/scorecards")
    assert late.status_code == 409  # somebody else was quicker
    assert "Talk: Voice" in late.text


def test_a_plan_draws_each_agent_and_nothing_twice(room: FakeBox) -> None:
    client = room.client("supervisor")
    form = {"name": "Weekly", "scorecard_id": _card_id(room), "per_agent": "2", "at_least_s": "0:30", "enabled": "1"}
    assert post(client, "/quality/plans/save", {**form, "per_agent": "0"}, page="/quality/plans/new").status_code == 400
    assert post(client, "/quality/plans/save", form, page="/quality/plans/new").status_code == 302
    plan = quality.plans(room.bus.store)[0]
    for _ in range(2):
        post(client, f"/quality/plans/{plan.id}/draw", page="/quality/plans")
    drawn = [task for task in quality.queue(room.bus.store, room.people["second"], None) if not task.calibration_id]
    assert sorted(task.agent_name for task in drawn) == ["Agent", "Agent"]
    assert not {task.recording_id for task in drawn} & {"r0", "r1"}
    skipped = post(client, f"/quality/tasks/{drawn[0].id}/skip", {"reason": "bad line"}, page="/quality")
    assert skipped.status_code == 302
    post(client, f"/quality/plans/{plan.id}/draw", page="/quality/plans")
    now = [task.recording_id for task in quality.queue(room.bus.store, room.people["second"], None)]
    assert drawn[0].recording_id not in now


def test_last_week_is_drawn_when_it_is_over(room: FakeBox) -> None:
    made = room.by_administrator(SaveSamplingPlan, name="Past", scorecard_id=_card_id(room), rules={"per_agent": 9})
    plans = SamplingPlans(room.bus.context)
    assert plans.sweep() == 0  # it begins with the week in which it is made
    make_recording(room, "old", "agent", started_at=datetime.now(UTC) - timedelta(days=7))
    with room.bus.store.write() as session:
        session.get_one(SamplingPlan, made.id).drawn_week = "2020-W01"
    assert plans.sweep() == 1
    assert plans.sweep() == 0
    with room.bus.store.read() as session:
        assert session.query(ScoringTask).filter_by(recording_id="old").one().plan_id == made.id


def test_calibration_is_blind_until_all_have_scored(room: FakeBox) -> None:
    client, second = room.client("supervisor"), room.client("second")
    people = [room.people["supervisor"], room.people["second"]]
    begun = {"recording_id": "r5", "scorecard_id": _card_id(room), "scorers": people}
    alone = post(client, "/quality/calibrations/start", {**begun, "scorers": people[:1]}, page="/recordings/r5")
    assert alone.status_code == 400
    made = post(client, "/quality/calibrations/start", begun, page="/recordings/r5")
    url = made.headers["Location"]
    calibration_id = url.rsplit("/", 1)[1]
    tasks = {
        login: next(task for task in quality.queue(room.bus.store, room.people[login], None)
                    if task.calibration_id == calibration_id)
        for login in ("supervisor", "second")
    }  # fmt: skip
    assert client.get(f"/quality/tasks/{tasks['second'].id}").status_code == 404  # not his
    _give(client, tasks["supervisor"].id, GOOD)
    mine = quality.scores(room.bus.store, calibration_id=calibration_id)[0]
    assert "Cohen" not in second.get(url).text
    assert second.get(f"/quality/scores/{mine.id}").status_code == 404
    assert mine.id not in second.get("/recordings/r5").text
    _give(second, tasks["second"].id, {**GOOD, "q.q3": "1"})
    page = second.get(url).text
    assert "Cohen" in page
    assert "75%" in page
    assert room.client("agent").get(f"/quality/scores/{mine.id}").status_code == 404  # no score of his


def test_results_and_their_files(room: FakeBox) -> None:
    client = room.client("supervisor")
    page = client.get("/quality/results").text
    assert "score-chart" in page
    assert "Tone" in page
    table = client.get("/quality/results/file.csv").data.decode("utf-8-sig")
    assert "agents,Agent,2," in table
    assert client.get("/quality/results/file.xlsx").data[:2] == b"PK"
    assert audit.search(room.bus.store, action="report.exported").rows[0].subject == "report:quality"
    assert "Nothing was scored" in client.get("/quality/results?since=2020-01-01&until=2020-02-01").text


def test_a_team_leader_scores_his_team_and_nobody_else(room: FakeBox) -> None:
    one, two = (str(room.by_administrator(SaveDepartment, name=name).id) for name in ("North", "South"))
    role = room.by_administrator(
        SaveRole, name="Lead", base="supervisor",
        permissions={"quality.score": "team", "recordings.listen": "team"},
    )  # fmt: skip
    lead = room.by_administrator(SaveUser, login="lead", role="supervisor", role_id=role.id, password=PASSWORD,
                                 display_name="Lead", department_id=one)  # fmt: skip
    room.people["lead"] = str(lead.id)
    for login, department in (("agent", two), ("rookie", one)):
        room.by_administrator(SaveUser, id=room.people[login], login=login, role="agent", department_id=department)
    client = room.client("lead")
    assert client.get("/quality/results").status_code == 200
    assert "Agent" not in client.get("/quality/results/file.csv").data.decode().replace("Agents", "")
    found = _evaluation(room, "r0")
    assert client.get(f"/quality/scores/{found.id}").status_code == 404
    answer = post(client, "/quality/ask", {"recording_id": "r2", "scorecard_id": _card_id(room)}, page="/quality")
    assert answer.status_code in (400, 403)
    task_id = _ask(room, "r9", "administrator")
    assert client.get(f"/quality/tasks/{task_id}").status_code == 200
    with pytest.raises(NotAllowedError):
        room.bus.request(RetireScorecard(actor_id=room.people["lead"], scorecard_id=_card_id(room)))
