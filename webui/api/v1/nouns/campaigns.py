"""Campaigns, their lists and leads, call-backs, queues of callers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from flask import request
from werkzeug.datastructures import FileStorage

from appliance import commands as cmd
from appliance.commands import Done
from appliance.events import LiveCampaign
from appliance.store.read import campaign_texts as texts
from appliance.store.read import campaigns, form_results, imports, inbound, rules, tables
from appliance.store.read.campaign_texts import VersionView
from appliance.store.read.campaigns import CampaignView
from appliance.store.read.imports import ImportView, RejectView
from appliance.store.read.inbound import QueueView
from appliance.store.read.rules import ProfileView
from appliance.types import Permission
from webui.api.v1.collection import Api, whole
from webui.api.v1.declare import SPAN, Call, Paged, query_of
from webui.box import box, store
from webui.supervisor import uploads

READ, WRITE, IMPORT = Permission.CAMPAIGNS_READ, Permission.CAMPAIGNS_WRITE, Permission.LISTS_IMPORT

api = Api("Campaigns")
api.get("/campaigns", list[CampaignView], lambda _call: whole(campaigns.campaigns(store())), READ,
        summary="All campaigns with their figures")  # fmt: skip
api.get("/campaigns/{id}", CampaignView, lambda call: campaigns.campaign_with_figures(store(), call.path["id"]), READ,
        summary="One campaign with its figures", versioned="campaign")  # fmt: skip
api.get("/campaigns/{id}/live", LiveCampaign, lambda call: box().live.campaign(call.path["id"]), READ,
        summary="What a campaign does now")  # fmt: skip
api.command("POST", "/campaigns", cmd.SaveCampaign, WRITE, hidden=("id",))
api.command("PUT", "/campaigns/{id}", cmd.SaveCampaign, WRITE, versioned="campaign")
api.command("POST", "/campaigns/{campaign_id}/action", cmd.CampaignAction, WRITE,
            summary="Start, pause, resume or stop")  # fmt: skip

api.command("PUT", "/campaigns/{campaign_id}/pace", cmd.SavePace, WRITE, versioned="campaign",
            version_key="campaign_id")  # fmt: skip
api.command("POST", "/campaigns/{campaign_id}/pace/forecast", cmd.ForecastPace, READ, WRITE)
for part, kind, save in (("script", texts.SCRIPT, cmd.SaveScript), ("form", texts.SURVEY, cmd.SaveForm)):
    api.get(f"/campaigns/{{campaign_id}}/{part}", list[VersionView],
            partial(lambda kind, call: whole(texts.versions(store(), call.path["campaign_id"], kind)), kind), WRITE,
            summary=f"Versions of the {part}, the newest first", versioned=part,
            version_key="campaign_id")  # fmt: skip
    api.command("PUT", f"/campaigns/{{campaign_id}}/{part}", save, WRITE, versioned=part, version_key="campaign_id")


@dataclass(frozen=True)
class QuestionFigures:
    """What was answered to one question of a form: how often each choice, or the sum, least and most of numbers."""

    question: dict[str, Any]
    asked_now: bool
    answered: int
    counts: dict[str, int]
    total: float
    least: float | None
    most: float | None
    texts: list[str]


def _answers(call: Call) -> Paged:
    found = form_results.results(store(), call.path["campaign_id"], call.query.since, call.query.until)
    return whole([
        QuestionFigures(one.question, one.asked_now, one.answered, dict(one.counts), one.total, one.least, one.most,
                        one.texts)
        for one in found
    ])  # fmt: skip


api.get("/campaigns/{campaign_id}/form/results", list[QuestionFigures], _answers, WRITE,
        summary="What was answered, question by question", query=query_of("FormResults", SPAN, page=False))  # fmt: skip
api.get("/rules", list[ProfileView], lambda _call: whole(rules.profiles(datetime.now(UTC).date())), READ,
        summary="The rule profiles a campaign may name, as they hold today")  # fmt: skip

lists = Api("Lists")


def _upload(call: Call) -> Done:
    kept = uploads.keep(FileStorage(request.stream, filename=call.query.file_name), sound=call.query.sound)
    return Done(id=kept.id, data={"file_name": kept.file_name})


def _made(_call: Call, found: Done) -> Done:
    made = uploads.adopt(str(found.data["path"]), str(found.data["file_name"]))
    return Done(id=made.id, data={"file_name": made.file_name, "rows": found.data["rows"]})


lists.add("POST", "/uploads", IMPORT, Permission.EAR_TEACH, run=_upload, takes_file=True, status=201,
          summary="Send a file: the body as it is; its id is then used as `upload_id`",
          query=query_of("Upload", {"file_name": (str,), "sound": (bool, False)}, page=False))  # fmt: skip
lists.command("POST", "/lists/inspect", cmd.InspectList, IMPORT, timeout_s=30.0)
lists.command("POST", "/lists", cmd.MakeList, IMPORT, timeout_s=60.0, after=_made, status=201,
              summary="Make a list of the box's own rows; reply id is an `upload_id`")  # fmt: skip
lists.command("POST", "/imports", cmd.ImportList, IMPORT, status=201)
lists.get("/imports", list[ImportView], lambda _call: whole(imports.recent(store(), limit=500)), IMPORT,
          summary="The newest imports, dry and for good")  # fmt: skip
lists.get("/imports/{id}", ImportView, lambda call: imports.one(store(), call.path["id"]), IMPORT,
          summary="One import")  # fmt: skip
lists.get("/imports/{id}/rejects", list[RejectView],
          lambda call: whole(imports.rejects(store(), call.path["id"], limit=10_000)), IMPORT,
          summary="Rows that were not taken (the first 10 000)")  # fmt: skip
lists.rows("/leads", tables.LEADS, IMPORT, summary="Contacts' places in campaigns",
           filters=("campaign_id", "contact_id", "number", "external_id", "import_id", "state"))  # fmt: skip
lists.rows("/callbacks", tables.LEADS, IMPORT, summary="Call-backs that are promised", present=("callback_at",),
           filters=("campaign_id", "callback_agent_id"), one=False)  # fmt: skip

queues = Api("Queues")
queues.get("/queues", list[QueueView], lambda _call: whole(inbound.queues(store())), READ, summary="Queues of callers")
queues.get("/queues/{id}", QueueView, lambda call: inbound.queue(store(), call.path["id"]), READ, summary="One queue",
           versioned="queue")  # fmt: skip
queues.command("POST", "/queues", cmd.SaveQueue, WRITE, hidden=("id",))
queues.command("PUT", "/queues/{id}", cmd.SaveQueue, WRITE, versioned="queue")
queues.command("DELETE", "/queues/{id}", cmd.RemoveQueue, WRITE)


def collections() -> tuple[Any, ...]:
    return api, lists, queues
