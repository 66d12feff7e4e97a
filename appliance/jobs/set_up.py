"""The first set-up's memory, and the box's certificate."""

from __future__ import annotations

import re

from appliance import commands
from appliance.commands import Done
from appliance.errors import CallerError, ValidationErrors
from appliance.jobs import audit
from appliance.jobs.context import Context
from appliance.store.models import SetUpStep
from appliance.store.repositories import users
from appliance.types import Permission

_STEP = re.compile(r"[a-z_]{1,30}")
_PEM_MAX = 200_000


class SetUp:
    """Steps of the first set-up and the certificate; both need settings.write."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def finish_step(self, command: commands.FinishSetUpStep) -> Done:
        """Note a step; done again it is dated anew, and one that was done is never noted as left out."""
        if not _STEP.fullmatch(command.step):
            raise CallerError("set_up.bad_step", "There is no such step.")
        now = self._context.clock.now()
        with self._context.store.write() as session:
            users.require(session, command.actor_id, Permission.SETTINGS_WRITE)
            row = session.get(SetUpStep, command.step) or SetUpStep(step=command.step, state="", data={})
            if command.skipped and row.state == "done":
                return Done(id=command.step)
            row.state = "skipped" if command.skipped else "done"
            row.at, row.actor_id = now, command.actor_id
            row.data = dict(command.data) or row.data
            session.add(row)
            audit.append(
                session, now, actor_id=command.actor_id, actor_address=command.actor_address,
                action="set_up.step", subject=f"step:{command.step}", detail={"state": row.state},
            )  # fmt: skip
        return Done(id=command.step)

    def upload_certificate(self, command: commands.UploadCertificate) -> Done:
        """Take an own certificate, or go back to the box's."""
        if len(command.certificate) > _PEM_MAX or len(command.key) > _PEM_MAX:
            raise ValidationErrors([("certificate", "certificate.unreadable", "this is too long for a certificate")])
        with self._context.store.read() as session:
            users.require(session, command.actor_id, Permission.SETTINGS_WRITE)
        self._context.doors.use_certificate(command.certificate, command.key)
        with self._context.store.write() as session:
            audit.append(
                session, self._context.clock.now(), actor_id=command.actor_id, actor_address=command.actor_address,
                action="certificate.saved", subject="certificate", detail={"own": bool(command.certificate)},
            )  # fmt: skip
        return Done()
