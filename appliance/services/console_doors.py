"""The box behind the console: each door imports what it needs when it is opened (see console.doors)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from appliance.home import Home

if TYPE_CHECKING:
    from appliance.commands import Command, Done
    from appliance.console.doors import Say, ServiceLine
    from appliance.services.office_client import Client


class RealDoors:
    """Doors of one home. Nothing stays open between two uses: a service may be restarted meanwhile."""

    def __init__(self, home: Home) -> None:
        self._home = home

    # ---- services and health ---------------------------------------------------------------------------------

    def services(self) -> list[ServiceLine]:
        from appliance.console.doors import ServiceLine
        from appliance.watch.supervision import status

        return [ServiceLine(service.name, service.state, service.since_s) for service in status(self._home)]

    def restart(self, name: str) -> None:
        from appliance.watch.supervision import restart_service

        restart_service(self._home, name)

    def health(self) -> dict[str, Any]:
        from appliance.services.health import gather

        return gather(self._home)

    def check(self, say: Say) -> dict[str, Any]:
        from appliance.services.diag import check

        return check(self._home, say)

    def bundle(self, folder: Path, say: Say) -> Path:
        from appliance.services.bundle import write_bundle
        from appliance.services.diag import check

        return write_bundle(self._home, folder, check(self._home, say))

    # ---- the running box -------------------------------------------------------------------------------------

    @contextmanager
    def _client(self) -> Iterator[Client]:
        from appliance.logs import configure
        from appliance.services.office_client import client

        configure("console", level="ERROR")
        with client(self._home, quiet=True) as box:
            yield box

    def ask(self, command: Command) -> Done:
        from appliance.types import LOCAL_ACTOR

        with self._client() as box:
            return box.ask_running(_as_known(command, LOCAL_ACTOR))

    def trunks(self) -> list[str]:
        from appliance.store.read import trunks

        with self._client() as box:
            return [trunk.id for trunk in trunks.trunks(box.context.store) if trunk.enabled]

    def test_call(self, number: str, trunk_id: str, say: Say) -> dict[str, Any]:
        from appliance.services.test_call import dial

        return dial(self._home, number, trunk_id, say)

    # ---- line test -------------------------------------------------------------------------------------------

    def line_test(
        self, pair: str, resource: str, say: Say, ask: Callable[[str], str], *, actor_id: str, simulate: bool
    ) -> dict[str, Any]:
        from appliance.services.line_test_talk import measure
        from appliance.settings import load_settings
        from appliance.watch.line_test import LineTester

        if not resource and not simulate:
            resource = load_settings(self._home).hardware.meter
        return measure(LineTester(self._home), pair, resource, ask, say, by=actor_id, simulate=simulate)

    def line_test_report(self, test_id: str, folder: Path) -> Path:
        from appliance.settings import load_settings
        from appliance.watch.line_test import LineTester
        from appliance.watch.line_test_commands import report_of

        settings = load_settings(self._home)
        pdf, name = report_of(LineTester(self._home), test_id, settings.language, settings.dialling.timezone)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(pdf)
        return folder / name

    # ---- people ----------------------------------------------------------------------------------------------

    def is_set_up(self) -> bool:
        from appliance.errors import CallboxError
        from appliance.store.repositories import users

        try:
            with self._client() as box, box.context.store.read() as session:
                return users.administrators(session) > 0
        except CallboxError:
            return True

    def log_in(self, login: str, password: str, code: str) -> str:
        from appliance import commands
        from appliance.errors import NotAllowedError
        from appliance.types import Role

        with self._client() as box:
            entered = box.ask(commands.LogIn(login=login, password=password, totp=code, user_agent="console")).data
            user_id = str(entered["user_id"])
            box.ask(commands.LogOut(session_token=str(entered["session_token"])))
        if entered["role"] != Role.ADMINISTRATOR:
            raise NotAllowedError("console.role", "Only an administrator changes things here.")
        return user_id

    def logins(self) -> list[str]:
        from appliance.store.read import users

        with self._client() as box:
            return [user.login for user in users.users(box.context.store)]

    def set_password(self, login: str, password: str, actor_id: str) -> None:
        from appliance import commands
        from appliance.errors import NotFoundError
        from appliance.store.repositories import users
        from appliance.types import LOCAL_ACTOR

        with self._client() as box:
            with box.context.store.read() as session:
                user = users.by_login(session, login)
            if user is None:
                raise NotFoundError("user.unknown", f"There is no user '{login}'.", login=login)
            command = commands.SaveUser(
                actor_id=actor_id, id=user.id, login=user.login, display_name=user.display_name, role=user.role,
                language=user.language, enabled=user.enabled, password=password,
            )  # fmt: skip
            box.ask(_as_known(command, LOCAL_ACTOR))

    def set_up_link(self) -> str | None:
        from appliance.console import facts
        from appliance.jobs.accounts import ensure_set_up_token

        with self._client() as box:
            token = ensure_set_up_token(self._home, box.context.store)
        if token is None:
            return None
        host = next(iter(facts.addresses().values()), "localhost")
        return f"https://{host}:{facts.web_port(self._home)}/setup/?token={token}"

    def note(self, actor_id: str, action: str, subject: str) -> None:
        from appliance.commands import Audit
        from appliance.errors import CallboxError
        from appliance.types import LOCAL_ACTOR

        line = Audit(actor_id=actor_id, action=action, subject=subject, detail={"by": actor_id, "at": "console"})
        try:
            with self._client() as box:
                box.ask(_as_known(line, LOCAL_ACTOR))
        except CallboxError as error:
            now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            said = f"{now} not audited ({error.error_id}): {actor_id} {action} {subject}\n"
            with (self._home.logs / "console.log").open("a", encoding="utf-8") as handle:
                handle.write(said)

    # ---- root and registered programs ------------------------------------------------------------------------

    def root_actions(self) -> frozenset[str]:
        from appliance.services.privileged.actions import load_actions

        return frozenset(load_actions()) if (self._home.run / "privd.sock").exists() else frozenset()

    def root(self, action: str, actor_id: str, **arguments: str) -> str:
        from appliance.errors import BoxError
        from appliance.watch.root import RootActions
        from drivers.lines import ReaderError

        try:
            ran = RootActions(self._home.run / "privd.sock", actor_id).do(action, **arguments)
        except ReaderError as error:
            raise BoxError(error.error_id, error.message) from error
        if ran.status != 0:
            raise BoxError("privileged.failed", f"'{action}' failed: {' '.join(ran.output.split())[-200:]}")
        return ran.output

    def run(self, command: Sequence[str], say: Say) -> int:
        import subprocess

        with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            errors="replace",
        ) as process:  # fmt: skip
            for line in process.stdout or ():
                say(line.rstrip())
        return process.returncode


def _as_known(command: Command, local: str) -> Command:
    """Who came by the service code, or before there was any user, acts as the box's own command line."""
    import msgspec

    if getattr(command, "actor_id", "") in ("console", "service-code"):
        return msgspec.structs.replace(command, actor_id=local)
    return command
