"""Settings of the box: one pydantic model, each field with title, description, unit and range; unknown keys are errors.

Read from `$CALLBOX_HOME/settings.toml` (and `/etc/callbox/settings.toml` under it on the device). Secrets that the box
makes for itself (bus password, session key) stand in `$CALLBOX_HOME/secrets.toml`, mode 0600.
"""

from __future__ import annotations

import os
import secrets
from itertools import pairwise
from pathlib import Path
from typing import Any, Self
from zoneinfo import ZoneInfo

import tomlkit
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator

from appliance import url_template
from appliance.errors import BoxError, CallerError
from appliance.home import DEVICE_SETTINGS, Home, give_to_owner, home_from_environment

__all__ = ["Home", "Secrets", "Settings", "home_from_environment", "load_secrets", "load_settings", "save_settings",
           "write_private"]  # fmt: skip

SCHEMA_VERSION = 1
RTP_PORTS_PER_SLOT = 32
_PORT_MAX = 65535
# what goes into the configuration of other programs may not hold a blank, a quote or a new line
_ADDRESS = r"^[0-9A-Fa-f.:]{2,45}$"
_HOST_NAME = r"^[A-Za-z0-9.-]{0,253}$"
_MAIL = r"^([^\s@,<>\"]+@[A-Za-z0-9.-]+)?$"
_MAILS = r"^([^\s@,<>\"]+@[A-Za-z0-9.-]+(, ?[^\s@,<>\"]+@[A-Za-z0-9.-]+)*)?$"


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class BusSettings(_Section):
    """Where the bus is."""

    host: str = Field("127.0.0.1", title="Bus address", description="Loopback address of nats-server.", pattern=_HOST_NAME)
    port: int = Field(4222, title="Bus port", description="TCP port of nats-server.", ge=1, le=65535)
    user: str = Field("callbox", title="Bus user", description="Name the services log in with.")
    password: SecretStr = Field(SecretStr(""), title="Bus password", description="Made at set-up.")
    cell: str = Field("box", title="Cell", description="Name of this box in a cluster.", pattern=r"^[a-z0-9_-]{1,32}$")

    @property
    def url(self) -> str:
        return f"nats://{self.host}:{self.port}"


class SipSettings(_Section):
    """Addresses and ports of the SIP edge and the workers."""

    worker_address: str = Field("127.0.0.1", title="Inner address", description="Loopback: edge to workers.", pattern=_ADDRESS)
    edge_worker_port: int = Field(5062, title="Inner port of the edge", description="UDP.", ge=1, le=65535)
    trunk_address: str = Field("127.0.2.1", title="Trunk-side address", description="The box's address towards gateways; stands in SDP of trunk legs.", pattern=_ADDRESS)
    trunk_port: int = Field(5060, title="Trunk-side port", description="UDP.", ge=1, le=65535)
    seat_address: str = Field("127.0.2.2", title="Seat-side address", description="The box's address towards phones; stands in SDP of seat legs.", pattern=_ADDRESS)
    seat_port: int = Field(5060, title="Seat-side port", description="UDP and TCP.", ge=1, le=65535)
    seat_tls_port: int = Field(5061, title="Seat-side TLS port", description="TCP.", ge=1, le=65535)
    websocket_port: int = Field(5066, title="WebSocket port", description="Loopback TCP; nginx passes /phone here.", ge=1, le=65535)
    realm: str = Field("callbox", title="Realm", description="Digest realm and domain of the seats.", pattern=r"^[A-Za-z0-9.-]{1,64}$")
    self_test_port: int = Field(5067, title="Self-test port", description="Loopback UDP; the full check calls itself there.", ge=1, le=65535)
    worker_port_base: int = Field(20000, title="First worker SIP port", description="Slot n listens on base + n.", ge=1024, le=60000)
    rtp_port_base: int = Field(22000, title="First RTP port of workers", description="Slot n uses 32 ports from base + 32 n.", ge=1024, le=60000)
    slots: int = Field(140, title="Worker slots", description="Conversations at once, idle pool included.", ge=4, le=500)
    idle_workers: int = Field(3, title="Idle workers", description="Workers ready for inbound calls and bursts.", ge=1, le=50)
    rtpengine_port: int = Field(22222, title="rtpengine control port", description="Loopback UDP.", ge=1, le=65535)
    rtpengine_rtp_min: int = Field(30000, title="First RTP port of rtpengine", description="UDP.", ge=1024, le=65000)
    rtpengine_rtp_max: int = Field(31999, title="Last RTP port of rtpengine", description="UDP.", ge=1024, le=65535)
    register_expires_s: int = Field(120, title="Registration expiry", description="Longest life of a seat's registration, s.", ge=30, le=120)
    ban_s: int = Field(60, title="Ban time", description="How long an address that floods or guesses passwords is shut out, s.", ge=10, le=3600)
    auth_failures_max: int = Field(5, title="Wrong passwords", description="Wrong digests from one address within a minute before the ban.", ge=3, le=100)
    options_ping_s: int = Field(4, title="OPTIONS ping", description="How often gateways and workers are asked, s; a silent one is known within this and 7 s more.", ge=2, le=60)

    @model_validator(mode="after")
    def _ports_are_apart(self) -> Self:
        """Workers' SIP, their audio and rtpengine's audio each need ports of their own."""
        used = {
            "worker SIP ports": (self.worker_port_base, self.worker_port_base + self.slots - 1),
            "worker RTP ports": (self.rtp_port_base, self.rtp_port_base + RTP_PORTS_PER_SLOT * self.slots - 1),
            "rtpengine ports": (self.rtpengine_rtp_min, self.rtpengine_rtp_max),
        }
        for name, (first, last) in used.items():
            if not first <= last <= _PORT_MAX:
                raise ValueError(f"the {name} would be {first} to {last}; choose others or fewer slots")
        if self.worker_address not in (self.trunk_address, self.seat_address):
            del used["worker SIP ports"]  # on an address of their own
        for (name, (_, last)), (other, (first, _)) in pairwise(sorted(used.items(), key=lambda item: item[1])):
            if last >= first:
                raise ValueError(f"the {name} (to {last}) and the {other} (from {first}) overlap")
        return self


class WebSettings(_Section):
    """The one port that people use."""

    address: str = Field("0.0.0.0", title="Web address", description="Address nginx listens on.", pattern=_ADDRESS)  # noqa: S104 - the product's face
    port: int = Field(8443, title="Web port", description="HTTPS port (443 on the device).", ge=1, le=65535)
    app_port: int = Field(8480, title="App port", description="Loopback port of gunicorn.", ge=1, le=65535)
    session_hours: int = Field(12, title="Session life", description="Hours until a log-in ends.", ge=1, le=72)
    api_per_minute: int = Field(600, title="Requests of a program", description="How many requests of the API a key may make in a minute.", ge=10, le=100_000)
    host_name: str = Field("", title="Host name", description="Name in the certificate and in links; empty: the address.", pattern=_HOST_NAME)


class RecordingSettings(_Section):
    """Spool, archive, reserve."""

    sync_interval_s: float = Field(1.0, title="Sync interval", description="How often the spool is synced, s.", ge=0.2, le=2.0)
    opus_bitrate_bps: int = Field(32000, title="Opus bit rate", description="Both sides together, bit/s; below 32000 Opus folds customer and agent into each other.", ge=32000, le=128000)
    reserve_mb: int = Field(1024, title="Disk reserve", description="Dialling stops when less is free, MB; calls in progress may use it.", ge=16, le=1_000_000)
    keep_days: int = Field(180, title="Keep recordings", description="Default retention, days.", ge=1, le=3650)


class DiallingSettings(_Section):
    """What all campaigns share."""

    default_region: str = Field("CN", title="Home country", description="ISO 3166 code for numbers without a country code and for the tone plan.", pattern=r"^[A-Z]{2}$")
    timezone: str = Field("UTC", title="Time zone of the box", description="IANA name; times are shown in it.")
    rule_profile: str = Field("neutral", title="Rules of new campaigns", description="neutral, cn, ru, us, uk or in; each campaign may change it.", pattern=r"^[a-z][a-z0-9-]{1,20}$")
    company_name: str = Field("", title="Name of the company", description="Said to people whom no agent could take, as many rules want it.", max_length=80)
    company_number: str = Field("", title="Number to call back", description="Said after the name, with + and country code.", pattern=r"^(\+?[0-9]{3,15})?$")
    ring_timeout_s: float = Field(40.0, title="Ring time-out", description="s", ge=5, le=120)
    abandon_after_s: float = Field(2.0, title="Abandon after", description="A live person with no agent is told so and counted after this, s.", ge=0.5, le=10)
    verdict_deadline_ms: int = Field(4000, title="Verdict deadline", description="Person or machine is said by then, ms from answer.", ge=1000, le=10000)
    machine_certainty: float = Field(0.99, title="Certainty for machines", description="How sure the ear must be before it hangs up on a machine. Higher: fewer people are dropped, more machines reach agents.", ge=0.5, le=0.9999)
    # below the abandon time: the next agent still gets the customer. Phones answer by themselves, within 0.3 s
    seat_answer_timeout_s: float = Field(1.8, title="Seat time-out", description="A seat that does not answer by then is skipped, s.", ge=1, le=30)
    wrap_up_s: float = Field(60.0, title="Wrap-up", description="Longest wrap-up, s (0: none).", ge=0, le=3600)
    unattended_s: float = Field(180.0, title="Unattended call", description="An answered customer whom neither agent nor prompt attends to is let go after this, s.", ge=10, le=7200)
    originate_per_s: float = Field(10.0, title="New calls per second", description="Over all trunks.", gt=0, le=100)

    @field_validator("timezone")
    @classmethod
    def _zone_exists(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (KeyError, OSError, ValueError) as error:
            raise ValueError(f"there is no time zone '{name}'; write it like Asia/Shanghai") from error
        return name


class AlertSettings(_Section):
    """When alerts go further."""

    escalate_after_min: int = Field(15, title="Escalate after", description="A critical alert that nobody acknowledges goes to the ways of the next step after this, minutes.", ge=1, le=1440)
    minimum_severity: str = Field("warning", title="Least severity", description="Sent outside the box: info, warning or critical, and what is graver.", pattern=r"^(info|warning|critical)$")
    metrics_token: SecretStr = Field(SecretStr(""), title="Token for figures", description="Bearer token for /metrics from other machines; empty: only from the box itself.")


class EmailSettings(_Section):
    """Alerts by e-mail."""

    step: int = Field(0, title="Step", description="0: at once; 1, 2: after so many escalations; -1: never.", ge=-1, le=2)
    host: str = Field("", title="Mail server", description="Name or address; empty: no e-mail.", pattern=_HOST_NAME)
    port: int = Field(587, title="Port of the mail server", description="587 with STARTTLS.", ge=1, le=65535)
    security: str = Field("starttls", title="Encryption", description="starttls, tls or none.", pattern=r"^(starttls|tls|none)$")
    user: str = Field("", title="User at the mail server", description="Empty: no log-in.")
    password: SecretStr = Field(SecretStr(""), title="Password at the mail server", description="Kept in the settings file.")
    sender: str = Field("", title="Sender", description="Address the mails come from.", pattern=_MAIL)
    recipients: str = Field("", title="Recipients", description="Addresses, separated by commas.", pattern=_MAILS)


class SmsSettings(_Section):
    """Alerts by SMS."""

    step: int = Field(1, title="Step", description="0: at once; 1, 2: after so many escalations; -1: never.", ge=-1, le=2)
    numbers: str = Field("", title="Mobile numbers", description="E.164, separated by commas; empty: no SMS.", pattern=r"^(\+[0-9]{7,15}(, ?\+[0-9]{7,15})*)?$")
    simulate: bool = Field(False, title="Simulate the SMS gateway", description="Texts go to log/sms.log instead of a gateway.")


class WebhookSettings(_Section):
    """Alerts by HTTP, signed as standardwebhooks.com says."""

    step: int = Field(0, title="Step", description="0: at once; 1, 2: after so many escalations; -1: never.", ge=-1, le=2)
    url: str = Field("", title="Webhook address", description="https://…; empty: none.", pattern=r"^(https?://[^\s\"']{1,400})?$")
    secret: SecretStr = Field(SecretStr(""), title="Webhook secret", description="whsec_ and base64; signs each message.")
    allow_private: bool = Field(True, title="Addresses of the own network", description="Whether the address may lie in the own network; link-local, metadata and loopback addresses never may.")


class CtiSettings(_Section):
    """Other programs on the agent's screen and before a dial. Placeholders as appliance.url_template."""

    screen_url: str = Field("", title="Customer's page", description="Address that opens beside the desk, as https://crm.example/find?phone={phone}; also {call_id} {contact_id} {lead_id} {external_id} {campaign} {agent} {name} {field.…}. Empty: none.", max_length=500)
    screen_on: str = Field("connect", title="Opens", description="ring: when a call comes to the agent; connect: when he talks; never: only by its button.", pattern=r"^(ring|connect|never)$")
    lookup_url: str = Field("", title="Question before a dial", description="Address asked before each dial, with the same placeholders. Its JSON answer may hold fields for the record, or dial: false. Empty: nobody is asked.", max_length=500)
    lookup_method: str = Field("GET", title="Method of the question", description="GET, or POST with all that is known of the customer.", pattern=r"^(GET|POST)$")
    lookup_token: SecretStr = Field(SecretStr(""), title="Token of the question", description="Sent as a bearer token; empty: none.")
    lookup_timeout_ms: int = Field(300, title="Wait for the answer", description="ms.", ge=50, le=2000)
    lookup_late: str = Field("dial", title="Without an answer", description="dial: the number is dialled all the same; wait: it is dialled later, by the campaign's interval for cancelled calls or after five minutes.", pattern=r"^(dial|wait)$")
    allow_private: bool = Field(True, title="Addresses of the own network", description="Whether the address may lie in the own network; link-local, metadata and loopback addresses never may.")

    @field_validator("screen_url")
    @classmethod
    def _screen(cls, value: str) -> str:
        if said := url_template.problem(value, ("https", "http", "tel")):
            raise ValueError(said)
        return value

    @field_validator("lookup_url")
    @classmethod
    def _lookup(cls, value: str) -> str:
        if said := url_template.problem(value, ("https", "http")):
            raise ValueError(said)
        return value


class SyslogSettings(_Section):
    """Alerts by syslog (RFC 5424)."""

    step: int = Field(0, title="Step", description="0: at once; 1, 2: after so many escalations; -1: never.", ge=-1, le=2)
    host: str = Field("", title="Syslog server", description="Name or address; empty: none.", pattern=_HOST_NAME)
    port: int = Field(514, title="Port of the syslog server", description="514; 6514 with TLS.", ge=1, le=65535)
    transport: str = Field("udp", title="Transport", description="udp, tcp or tls.", pattern=r"^(udp|tcp|tls)$")
    ca_file: str = Field("", title="Certificate authority", description="PEM file that the server's certificate is checked with; empty: the system's.")


class SnmpTrapSettings(_Section):
    """Alerts by SNMP notification."""

    step: int = Field(0, title="Step", description="0: at once; 1, 2: after so many escalations; -1: never.", ge=-1, le=2)
    host: str = Field("", title="SNMP manager", description="Name or address; empty: none.", pattern=_HOST_NAME)
    port: int = Field(162, title="Trap port", description="UDP.", ge=1, le=65535)
    version: str = Field("v3", title="SNMP version", description="v3 (SHA, AES) or v2c.", pattern=r"^(v2c|v3)$")
    community: SecretStr = Field(SecretStr(""), title="Community", description="For v2c.")
    user: str = Field("callbox", title="SNMP user", description="For v3.", pattern=r"^[A-Za-z0-9._-]{1,32}$")
    auth_key: SecretStr = Field(SecretStr(""), title="Authentication key", description="For v3, 8 characters at least (SHA).")
    priv_key: SecretStr = Field(SecretStr(""), title="Privacy key", description="For v3, 8 characters at least (AES-128).")
    confirmed: bool = Field(True, title="Confirmed", description="Notifications that the manager answers (inform); without: traps, sent once.")
    engine_id: str = Field("", title="Engine ID", description="Hexadecimal, 10 to 64 digits; empty: made of the box's host name.", pattern=r"^([0-9a-fA-F]{10,64})?$")


class LedSettings(_Section):
    """Alerts by the box's lamps."""

    step: int = Field(0, title="Step", description="0: at once; -1: never.", ge=-1, le=2)
    ok: str = Field("", title="Lamp for all well", description="Its name under /sys/class/leds; empty: none.", pattern=r"^[A-Za-z0-9:_.-]{0,64}$")
    fault: str = Field("", title="Lamp for faults", description="Its name under /sys/class/leds; steady: warning, blinking: critical; empty: none.", pattern=r"^[A-Za-z0-9:_.-]{0,64}$")


class LineCardSettings(_Section):
    """One gateway or card whose lines are watched (`[[hardware.cards]]`); lines are called `id:port`."""

    id: str = Field(title="Name", description="Begins the names of its lines.", pattern=r"^[a-z0-9][a-z0-9_-]{0,15}$")
    source: str = Field("snmp", title="Read by", description="snmp, console or dahdi.", pattern=r"^(snmp|console|dahdi)$")
    profile: str = Field(title="Make and model", description="As `callbox line profiles` lists them.", pattern=r"^[A-Za-z0-9_-]{1,64}$")
    address: str = Field("", title="Address", description="host or host:port of its SNMP agent, or of the terminal server before its console.", pattern=r"^([A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?)?$")
    port: str = Field("", title="Serial port", description="Of its console, by /dev/serial/by-id.", pattern=r"^(/dev/[A-Za-z0-9/._:-]{1,200})?$")
    baud: int = Field(0, title="Speed", description="Of the serial port; 0: as its make has it.", ge=0, le=921_600)
    name: str = Field("", title="Its own name", description="What it calls itself (sysName, prompt); another card that answers is not believed. Empty: whoever answers first.", max_length=64)
    community: SecretStr = Field(SecretStr(""), title="Community", description="SNMP v2c.")
    user: str = Field("", title="User", description="Of the console; for SNMP: v3 with both keys.", max_length=32)
    password: SecretStr = Field(SecretStr(""), title="Password", description="Of the console.")
    enable_password: SecretStr = Field(SecretStr(""), title="Second password", description="Of the console, for changes.")
    auth_key: SecretStr = Field(SecretStr(""), title="Authentication key", description="SNMP v3 (SHA), 8 characters at least.")
    priv_key: SecretStr = Field(SecretStr(""), title="Privacy key", description="SNMP v3 (AES-128), 8 characters at least.")
    sip: str = Field("", title="SIP address", description="host:port where it takes calls, as in its trunk; empty: not known.", pattern=r"^([A-Za-z0-9.\[\]:-]{1,260})?$")
    poll_s: float = Field(3.0, title="Read every", description="Seconds; events and traps come sooner.", ge=0.5, le=60)


class HardwareSettings(_Section):
    """Disks, sensors, clock."""

    raid: bool = Field(True, title="Watch the mirror", description="Off for a box with a single disk; a mirror that is there is watched when this is on.")
    bays: str = Field("", title="Disk bays", description="What is printed beside each bay, by the port behind it: ata1=Bay 1, ata2=Bay 2. Empty: ports are shown.", pattern=r"^([A-Za-z0-9:._-]{1,40}=[^,=]{1,24}(, ?[A-Za-z0-9:._-]{1,40}=[^,=]{1,24})*)?$")
    smart_interval_min: int = Field(30, title="Ask disks every", description="How often disks are asked for their health, minutes.", ge=5, le=1440)
    disk_upkeep: bool = Field(True, title="Test disks at night", description="Short self-test each week, long one and a check of the mirror each month.")
    quiet_hour: int = Field(2, title="Quiet time from", description="Hour of the box's zone from which disks may be tested, for four hours.", ge=0, le=23)
    disk_hot_c: int = Field(55, title="Hot hard disk", description="Warning at this temperature, °C; flash may be 15 °C hotter.", ge=30, le=80)
    board_hot_c: int = Field(85, title="Hot board", description="For sensors that name no limit of their own, °C.", ge=40, le=120)
    ports: str = Field("", title="Network ports in use", description="Names of ports whose cable must be in, separated by commas; empty: all that had a link since the start.", pattern=r"^([A-Za-z0-9_.-]{1,15}(, ?[A-Za-z0-9_.-]{1,15})*)?$")
    nut_address: str = Field("", title="UPS server", description="Address of a NUT server, with :port if it is not 3493; empty: no UPS.", pattern=r"^([A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?)?$")
    cards: tuple[LineCardSettings, ...] = Field((), title="Line cards", description="Gateways and cards whose lines are watched.", max_length=32)
    trap_address: str = Field("", title="Traps to", description="Own address at which gateways' SNMP traps are taken; empty: all.", pattern=_HOST_NAME)
    agentx: str = Field("", title="SNMP agent", description="AgentX socket of snmpd, as /var/agentx/master: the lines are then served by SNMP; empty: not.", pattern=r"^(/[A-Za-z0-9/._-]{1,100})?$")
    trap_port: int = Field(162, title="Port for traps", description="UDP; opened only when a gateway is read by SNMP.", ge=1, le=65535)
    meter: str = Field("", title="Multimeter", description="Its VISA name for the line test: ASRL/dev/serial/by-id/...::INSTR, TCPIP::host::5025::SOCKET or USB::...::INSTR; empty: asked each time.", pattern=r"^((ASRL|TCPIP|USB)[A-Za-z0-9_./:-]{1,250}::(INSTR|SOCKET))?$")
    clock_policy: str = Field("auto", title="Time source", description="required: no dialling until the time is known to be right. auto: the same where chrony is installed. trusted: the box's own clock is believed (no time source at all).", pattern=r"^(auto|required|trusted)$")
    time_servers: str = Field("", title="Time servers", description="Names or addresses, separated by spaces. Those that the network names (DHCP) are asked too.", pattern=r"^([A-Za-z0-9.:-]{1,253}( [A-Za-z0-9.:-]{1,253}){0,3})?$")
    clock_error_s: float = Field(30.0, title="Clock error", description="The time is unknown when it may be wrong by more than this, s.", ge=1, le=300)

    def bay_of(self, port: str) -> str:
        """What is printed beside the bay of a port; the port's own name when nobody wrote it down."""
        pairs = [part.strip().partition("=") for part in self.bays.split(",")]
        return {name: bay for name, _, bay in pairs}.get(port, port)


class BackupSettings(_Section):
    """When the box is saved, how long that is kept, and where recordings are copied to."""

    every: str = Field("day", title="Make a backup", description="day, week, or empty: only by hand. Needs a passphrase (System, Backup).", pattern=r"^(day|week)?$")
    at_time: str = Field("03:30", title="At", description="HH:MM of the box's clock.", pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")
    keep_days: int = Field(7, title="Daily ones kept", description="The newest of each of so many days.", ge=1, le=90)
    keep_weeks: int = Field(4, title="Weekly ones kept", description="The newest of each of so many weeks.", ge=0, le=52)
    keep_months: int = Field(6, title="Monthly ones kept", description="The newest of each of so many months.", ge=0, le=60)
    copy_to: str = Field("", title="Copies go to", description="smb://host/share/folder, rsync://host/module, s3://bucket/prefix, or a folder that is mounted: each backup is copied there. Empty: they stay on the box.", pattern=r"^(/[^\x00\n]{1,200}|smb://[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?(/[^/\\:*?\"<>|@%\x00-\x1f]{1,80}){1,8}/?|rsync://[A-Za-z0-9._@/-]{3,200}|s3://[a-z0-9.-]{3,63}(/[A-Za-z0-9._/-]{0,100})?)?$")
    recordings: bool = Field(False, title="Copy recordings too", description="Encrypted as they are; their keys are in the backup.")
    s3_endpoint: str = Field("", title="S3 address", description="https://host of the storage; empty: Amazon's.", pattern=r"^(https?://[A-Za-z0-9.:-]{1,200})?$")
    s3_region: str = Field("us-east-1", title="S3 region", description="As the storage calls it.", pattern=r"^[a-z0-9-]{1,40}$")
    s3_access_key: str = Field("", title="S3 access key", description="Its name.", pattern=r"^[A-Za-z0-9]{0,128}$")
    s3_secret_key: SecretStr = Field(SecretStr(""), title="S3 secret key", description="Kept in the settings file.")
    smb_user: str = Field("", title="SMB user", description="name, DOMAIN\\name or name@domain, who may write into the share.", pattern=r"^[^\x00-\x1f/:*?\"<>|%]{0,100}$")
    smb_password: SecretStr = Field(SecretStr(""), title="SMB password", description="Kept in the settings file.")


class StoreSettings(_Section):
    url: str = Field("", title="Database URL", description="SQLAlchemy URL; empty: SQLite in the home folder.")


class Secrets(_Section):
    """Made by the box at set-up; never shown."""

    bus_password: SecretStr
    web_secret: SecretStr
    seat_secret: SecretStr  # derives short-lived browser phone passwords
    archive_key: SecretStr  # wraps the per-recording keys
    bench_secret: SecretStr


class Settings(_Section):
    """All settings of one box."""

    schema_version: int = Field(SCHEMA_VERSION, title="Schema version", description="Of this file; a newer box's file is refused.", ge=1, le=SCHEMA_VERSION)
    language: str = Field("en", title="Language", description="Default language: en, zh or ru.", pattern=r"^(en|zh|ru)$")
    log_level: str = Field("INFO", title="Log level", description="DEBUG, INFO, WARNING or ERROR.", pattern=r"^(DEBUG|INFO|WARNING|ERROR)$")
    bus: BusSettings = Field(default_factory=BusSettings, title="Bus", description="Message bus.")
    sip: SipSettings = Field(default_factory=SipSettings, title="SIP", description="Edge and workers.")
    web: WebSettings = Field(default_factory=WebSettings, title="Web", description="Web UI.")
    recording: RecordingSettings = Field(default_factory=RecordingSettings, title="Recording", description="Recordings.")
    dialling: DiallingSettings = Field(default_factory=DiallingSettings, title="Dialling", description="Shared by all campaigns.")
    alerts: AlertSettings = Field(default_factory=AlertSettings, title="Alerts", description="When alerts go further.")
    cti: CtiSettings = Field(default_factory=CtiSettings, title="Other programs", description="Customer's page beside the desk, question before a dial.")
    email: EmailSettings = Field(default_factory=EmailSettings, title="Alerts by e-mail", description="Mail server and recipients.")
    sms: SmsSettings = Field(default_factory=SmsSettings, title="Alerts by SMS", description="Mobile numbers.")
    webhook: WebhookSettings = Field(default_factory=WebhookSettings, title="Alerts by webhook", description="Signed HTTP messages.")
    syslog: SyslogSettings = Field(default_factory=SyslogSettings, title="Alerts by syslog", description="RFC 5424.")
    snmp_trap: SnmpTrapSettings = Field(default_factory=SnmpTrapSettings, title="Alerts by SNMP", description="Notifications, v3 or v2c.")
    leds: LedSettings = Field(default_factory=LedSettings, title="Alerts by lamps", description="LEDs of the box.")
    hardware: HardwareSettings = Field(default_factory=HardwareSettings, title="Hardware", description="Disks, sensors, clock.")
    backup: BackupSettings = Field(default_factory=BackupSettings, title="Backup", description="When, how long, where to.")
    store: StoreSettings = Field(default_factory=StoreSettings, title="Store", description="Database.")


def _read(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        return tomlkit.parse(path.read_text("utf-8")).unwrap()
    except (tomlkit.exceptions.ParseError, UnicodeDecodeError) as error:
        raise CallerError(
            "settings.not_toml", f"{path} is not valid TOML ({error}). Mend the line or delete the file for defaults.",
            path=str(path),
        ) from error  # fmt: skip


def load_secrets(home: Home) -> Secrets:
    """Read the box's own secrets; makes them on the first call.

    Raises BoxError `secrets.lost` when recordings are there but the key that opens them is not: a new one made in
    silence would lock them for ever.
    """
    found = _read(home.secrets_file)
    if "archive_key" not in found and any(home.archive.glob("*/*.cbr")):
        raise BoxError(
            "secrets.lost", f"{home.secrets_file} is missing, and without it the recordings in {home.archive} cannot be "
            "opened. Put the file back from a backup, or move the recordings away to go on without them.",
        )  # fmt: skip
    missing = [name for name in Secrets.model_fields if name not in found]
    if missing:
        found.update({name: secrets.token_urlsafe(32) for name in missing})
        write_private(home.secrets_file, tomlkit.dumps(found).encode())
    return Secrets.model_validate(found)


def write_private(path: Path, data: bytes) -> None:
    """Write a file of mode 0600 atomically (temporary file, sync, rename)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as handle:
        handle.write(data)
        handle.flush()
        os.fsync(handle.fileno())
    give_to_owner(temporary)
    temporary.replace(path)


def load_settings(home: Home) -> Settings:
    """Read and check the settings; raises CallerError `settings.invalid` with all mistakes at once."""
    merged: dict[str, Any] = {}
    device = _read(DEVICE_SETTINGS) if home.root == Path("/var/lib/callbox") else {}
    for source in (device, _read(home.settings_file)):
        for key, value in source.items():
            if isinstance(value, dict):
                merged.setdefault(key, {}).update(value)
            else:
                merged[key] = value
    merged.setdefault("bus", {}).setdefault("password", load_secrets(home).bus_password.get_secret_value())
    try:
        return Settings.model_validate(merged)
    except ValidationError as error:
        raise CallerError(
            "settings.invalid", f"{home.settings_file}: {_problems(error)}", path=str(home.settings_file)
        ) from error


def _problems(error: ValidationError) -> str:
    """All mistakes in one line: each with its key in the file and, where a pattern is missed, what the field takes."""
    found = []
    for one in error.errors():
        model: Any = Settings
        field = None
        for part in one["loc"]:
            field = getattr(model, "model_fields", {}).get(part)
            model = field.annotation if field is not None else None
        said = one["msg"]
        if one["type"] == "string_pattern_mismatch" and field is not None:
            said = f"'{one['input']}' does not fit. {field.title}: {field.description}"
        found.append(f"{'.'.join(map(str, one['loc']))}: {said}")
    return "; ".join(found)


def save_settings(home: Home, changes: dict[str, Any]) -> Settings:
    """Merge `changes` (nested dict) into the file, check, write atomically and return the new settings."""
    document = _read(home.settings_file)
    for key, value in changes.items():
        if isinstance(value, dict):
            document.setdefault(key, {}).update(value)
        else:
            document[key] = value
    probe = dict(document)
    probe["bus"] = {**document.get("bus", {}), "password": "x"}
    try:
        Settings.model_validate(probe)
    except ValidationError as error:
        wrong = [".".join(map(str, one["loc"])) for one in error.errors()]
        raise CallerError(
            "settings.invalid", f"Not saved: {_problems(error)}", path=str(home.settings_file), fields=wrong
        ) from error
    write_private(home.settings_file, tomlkit.dumps(document).encode())
    return load_settings(home)
