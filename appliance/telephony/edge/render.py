"""Writes what Kamailio reads: kamailio.cfg from the templates, dispatcher.list, and the table of registrations.

`render_files` is pure (settings and trunks in, texts out; the same input gives the same text); `write_edge` puts them
into `home.edge`. Trunks are read from the store by `load_trunks`.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from sqlalchemy import select

from appliance.errors import CallerError
from appliance.logs import get_logger
from appliance.settings import Home, Settings, write_private
from appliance.store.db import open_store
from appliance.store.models import Trunk
from appliance.telephony.edge.places import FIRST_TRUNK_SET, WORKER_SET, control_socket, worker_uri
from appliance.telephony.edge.subscribers import ProviderRegistration, database, set_providers
from appliance.telephony.trunks import TRUNK_ID, Gateway, Provider, TrunkConfig, parse_trunk

MODULE_FOLDERS = ("/usr/lib/x86_64-linux-gnu/kamailio/modules/", "/usr/lib/aarch64-linux-gnu/kamailio/modules/")
CHILDREN = 2  # processes per socket: a call is a few milliseconds of work
# requests from one address in 2 s before it is banned: 30 phones behind one router may register at once
FLOOD_PER_2_S = 150
MALFORMED_MAX = 10  # unreadable messages from one address in a minute before it is banned
RING_LIMIT_MS = 130_000  # above the longest ring time-out of a campaign
GATEWAY_FIRST_REPLY_MS = 2_000
SEAT_FIRST_REPLY_MS = 1_500
WORKER_FIRST_REPLY_MS = 500
_PROBING_AND_INACTIVE = 9  # dispatcher flags: not used until the worker answers an OPTIONS or its parent names it idle

log = get_logger()


@dataclass(frozen=True)
class RenderedTrunk:
    """One trunk as the templates want it."""

    id: str
    set_id: int
    config: TrunkConfig
    our_domain: str
    their_domain: str

    @property
    def label(self) -> str:
        """A name that Kamailio takes for a route."""
        return self.id.replace("-", "_").upper() + f"_{self.set_id}"

    @property
    def provider(self) -> Provider | None:
        return self.config.provider


def config_path(home: Home) -> Path:
    return home.edge / "kamailio.cfg"


def load_trunks(home: Home, settings: Settings) -> dict[str, TrunkConfig]:
    """All enabled trunks of the store; one that is wrong is left out with a line in the log."""
    store = open_store(home, settings)
    try:
        with store.read() as session:
            rows = session.scalars(select(Trunk).where(Trunk.enabled).order_by(Trunk.id)).all()
            found = [(row.id, dict(row.config)) for row in rows]
    finally:
        store.close()
    trunks: dict[str, TrunkConfig] = {}
    for trunk_id, config in found:
        try:
            if not re.fullmatch(TRUNK_ID, trunk_id):
                raise CallerError("trunk.bad_id", "A trunk's name is 1 to 32 of a-z, 0-9, dash and underscore.")
            trunks[trunk_id] = resolve(parse_trunk(config))
        except CallerError as error:
            log.error("trunk left out", trunk=trunk_id, error_id=error.error_id, message=error.message)
    return trunks


def resolve(config: TrunkConfig) -> TrunkConfig:
    """Put addresses in place of the gateways' host names. Raises CallerError when a name has none."""
    resolved: list[Gateway] = []
    for gateway in config.gateways:
        try:
            found = socket.getaddrinfo(gateway.address, gateway.port, socket.AF_INET, socket.SOCK_DGRAM)
        except OSError as error:
            raise CallerError(
                "trunk.unknown_host", f"The gateway's name '{gateway.address}' has no address ({error}).",
                host=gateway.address,
            ) from error  # fmt: skip
        addresses = dict.fromkeys(str(entry[4][0]) for entry in found)
        resolved += [gateway.model_copy(update={"address": address}) for address in addresses]
    unique = tuple({gateway.uri: gateway for gateway in resolved}.values())
    return config.model_copy(update={"gateways": unique})


def render_files(home: Home, settings: Settings, trunks: Mapping[str, TrunkConfig]) -> dict[str, str]:
    """Return file name -> text for `home.edge`."""
    rendered = _rendered_trunks(settings, trunks)
    environment = Environment(
        loader=PackageLoader("appliance.telephony.edge"), undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, keep_trailing_newline=True, autoescape=False,  # noqa: S701 - no HTML
    )  # fmt: skip
    environment.filters.update(quoted=_quoted, regex=lambda text: _quoted(re.escape(text)))
    environment.globals.update(FLAG_FROM_BROWSER=1, FLAG_TO_BROWSER=2)
    text = environment.get_template("kamailio.cfg.j2").render(
        sip=settings.sip,
        children=CHILDREN,
        module_path=_module_path(),
        control_socket=control_socket(home),
        database=database(home),
        dispatcher_list=home.edge / "dispatcher.list",
        tls_key=home.front / "server.key",
        tls_certificate=home.front / "server.crt",
        worker_set=WORKER_SET,
        worker_port_end=settings.sip.worker_port_base + settings.sip.slots,
        flood_per_2_s=FLOOD_PER_2_S,
        malformed_max=MALFORMED_MAX,
        ring_limit_ms=RING_LIMIT_MS,
        gateway_first_reply_ms=GATEWAY_FIRST_REPLY_MS,
        seat_first_reply_ms=SEAT_FIRST_REPLY_MS,
        worker_first_reply_ms=WORKER_FIRST_REPLY_MS,
        trunks=rendered,
        sources=_sources(rendered),
        providers=[trunk for trunk in rendered if trunk.provider is not None and trunk.provider.registers],
    )
    return {"kamailio.cfg": text, "dispatcher.list": _dispatcher_list(settings, rendered)}


def write_edge(home: Home, settings: Settings, trunks: Mapping[str, TrunkConfig]) -> Path:
    """Write everything the edge reads at its start (mode 0600: provider passwords); returns the config's path."""
    for name, text in render_files(home, settings, trunks).items():
        write_private(home.edge / name, text.encode())
    set_providers(home, _provider_registrations(settings, trunks))
    return config_path(home)


def _rendered_trunks(settings: Settings, trunks: Mapping[str, TrunkConfig]) -> list[RenderedTrunk]:
    rendered = []
    for set_id, (trunk_id, config) in enumerate(sorted(trunks.items()), start=FIRST_TRUNK_SET):
        domain = config.provider.domain if config.provider else ""
        rendered.append(
            RenderedTrunk(
                id=trunk_id,
                set_id=set_id,
                config=config,
                our_domain=domain or settings.sip.trunk_address,
                their_domain=domain or config.gateways[0].address,
            )
        )
    return rendered


def _sources(trunks: list[RenderedTrunk]) -> list[tuple[str, str]]:
    """Gateway address -> trunk, each address once: the first trunk that names it gets its calls."""
    owner: dict[str, str] = {}
    for trunk in trunks:
        for gateway in trunk.config.gateways:
            first = owner.setdefault(gateway.address, trunk.id)
            if first != trunk.id:
                log.warning("gateway of two trunks", trunk=trunk.id, gateway=gateway.address, calls_go_to=first)
    return list(owner.items())


def _dispatcher_list(settings: Settings, trunks: list[RenderedTrunk]) -> str:
    sip = settings.sip
    # the workers' lines have no attributes: 500 of them must fit into one answer of the control socket
    lines = ["# set, destination, flags, priority, attributes: workers, then the gateways of each trunk"]
    for slot in range(sip.slots):
        port = sip.worker_port_base + slot
        lines.append(f"{WORKER_SET} {worker_uri(settings, port)} {_PROBING_AND_INACTIVE}")
    for trunk in trunks:
        count = len(trunk.config.gateways)
        for position, gateway in enumerate(trunk.config.gateways):
            outer = f"socket={gateway.transport}:{sip.trunk_address}:{sip.trunk_port}"
            lines.append(f"{trunk.set_id} {gateway.uri} 0 {count - position} {outer}")
    return "\n".join(lines) + "\n"



def _provider_registrations(settings: Settings, trunks: Mapping[str, TrunkConfig]) -> list[ProviderRegistration]:
    sip = settings.sip
    found = []
    for trunk_id, config in sorted(trunks.items()):
        provider = config.provider
        if provider is not None and provider.registers:
            gateway = config.gateways[0]
            found.append(
                ProviderRegistration(
                    trunk_id=trunk_id,
                    user=provider.user,
                    password=provider.password.get_secret_value(),
                    realm=provider.realm,
                    domain=provider.domain or gateway.address,
                    gateway_uri=gateway.uri,
                    expires_s=provider.expires_s,
                    socket=f"{gateway.transport}:{sip.trunk_address}:{sip.trunk_port}",
                    contact=f"{sip.trunk_address}:{sip.trunk_port}",
                )
            )
    return found


def _module_path() -> str:
    for folder in MODULE_FOLDERS:
        if Path(folder).is_dir():
            return folder
    return MODULE_FOLDERS[0]


def _quoted(text: str) -> str:
    """A text inside a double-quoted string of Kamailio's config."""
    return text.replace("\\", "\\\\").replace('"', '\\"')
