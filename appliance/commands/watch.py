"""Commands to watch: alerts, disks, lines, line tests, services, network, test calls."""

from __future__ import annotations

from typing import Any, ClassVar

from appliance.commands.base import UserCommand


class ShowDisks(UserCommand, frozen=True, kw_only=True):
    """Look at the disks anew; reply data {arrays, disks, pictures, replacement} as `watch.disks` puts them."""

    SERVICE: ClassVar[str] = "watch"


class ReplaceDisk(UserCommand, frozen=True, kw_only=True):
    """Bring a new disk into an array. `serial` and its last four characters as a person typed them.

    Everything is looked at anew; refused for a foreign or smaller disk (`replace.refused`). Goes on by itself and over
    restarts; progress as LiveHardware of the section `replacement`.
    """

    SERVICE: ClassVar[str] = "watch"
    array: str
    serial: str
    confirmation: str


class RetireDisk(UserCommand, frozen=True, kw_only=True):
    """Take a living disk out of its array so that it can be pulled; refused for the last good one."""

    SERVICE: ClassVar[str] = "watch"
    array: str
    serial: str
    confirmation: str


class AbandonReplacement(UserCommand, frozen=True, kw_only=True):
    """Forget a replacement that cannot go on (the new disk is broken too); nothing that was done is undone."""

    SERVICE: ClassVar[str] = "watch"


class RunDiskTest(UserCommand, frozen=True, kw_only=True):
    """Start a disk's test of itself: `kind` short or long."""

    SERVICE: ClassVar[str] = "watch"
    serial: str
    kind: str = "short"


class LocateDisk(UserCommand, frozen=True, kw_only=True):
    """Light the lamp of a disk's bay (`on`), or put it out; it goes out by itself after ten minutes.

    Refused with `disk.no_lamp` where the enclosure has none.
    """

    SERVICE: ClassVar[str] = "watch"
    serial: str
    on: bool = True


class CheckArray(UserCommand, frozen=True, kw_only=True):
    """Compare both halves of a mirror in the background."""

    SERVICE: ClassVar[str] = "watch"
    array: str


class ControlLine(UserCommand, frozen=True, kw_only=True):
    """Tell a line something (`verb` as drivers.lines.Verb); reply data {before, after, verified}.

    Loop-backs and error tests end by themselves after `arguments["seconds"]`; refused while calls run unless `force`.
    """

    SERVICE: ClassVar[str] = "watch"
    line_id: str
    verb: str
    arguments: dict[str, Any] = {}
    force: bool = False


class ProfileFromTranscript(UserCommand, frozen=True, kw_only=True):
    """Make a card's profile of a captured terminal session; written down only with `save`.

    Reply data {toml, command, up, down, alarms, fields}: what was found in it. Nothing is invented: a transcript that
    does not show a line that is well is refused (`line.bad_transcript`).
    """

    SERVICE: ClassVar[str] = "watch"
    profile_id: str
    make: str
    model: str
    kind: str = "e1"  # e1 | fxo
    transcript: str
    save: bool = False


class ShowLineCards(UserCommand, frozen=True, kw_only=True):
    """Reply data {cards, profiles}: cards without secrets but with `secrets_set`, makes with their `readers`."""

    SERVICE: ClassVar[str] = "watch"


class TestLineCard(UserCommand, frozen=True, kw_only=True):
    """Read a card once that need not be saved (`card` as SaveLineCard); reply data {seconds, lines}.

    Fails with ValidationErrors by field, or with what its driver says went wrong and what to do.
    """

    SERVICE: ClassVar[str] = "watch"
    card: dict[str, Any]


class BeginLineTest(UserCommand, frozen=True, kw_only=True):
    """Open an instrument and begin the plan of its kind; one test at a time (`line_test.running`).

    `resource`: VISA name; with `simulate` it stays empty. Reply data: the test as `watch.line_test` puts it.
    """

    SERVICE: ClassVar[str] = "watch"
    pair: str
    resource: str = ""
    profile: str = "scpi_meter"
    simulate: bool = False


class ActOnLineTest(UserCommand, frozen=True, kw_only=True):
    """What the technician did or says (`event`: ready yes no again next skip abort); waits for the meter.

    Ohms and mA are measured only by `yes` after a check of the pair. Reply data as BeginLineTest.
    """

    SERVICE: ClassVar[str] = "watch"
    test_id: str
    event: str


class ShowLineTests(UserCommand, frozen=True, kw_only=True):
    """Reply data {running, results, profiles}: results newest first, of one `pair` or of all."""

    SERVICE: ClassVar[str] = "watch"
    pair: str = ""


class LineTestReport(UserCommand, frozen=True, kw_only=True):
    """The signed report of one test; reply data {pdf_base64, file_name}."""

    SERVICE: ClassVar[str] = "watch"
    test_id: str
    language: str = "en"


class ShowServices(UserCommand, frozen=True, kw_only=True):
    """Reply data {services: [{name, state, since_s}], on_device}: supervisor's, and systemd's on the device."""

    SERVICE: ClassVar[str] = "watch"


class RestartService(UserCommand, frozen=True, kw_only=True):
    """Stop one service and start it again; audited."""

    SERVICE: ClassVar[str] = "watch"
    name: str


class ShowNetwork(UserCommand, frozen=True, kw_only=True):
    """Reply data {ports: [{name, addresses, up}], gateway, can_change, trial_ends_unix_s (None: none runs)}."""

    SERVICE: ClassVar[str] = "watch"


class TryNetwork(UserCommand, frozen=True, kw_only=True):
    """Change a port's address (`address` a.b.c.d/n or "dhcp"); it takes itself back after 60 s unless kept."""

    SERVICE: ClassVar[str] = "watch"
    port: str
    address: str
    gateway: str = ""


class KeepNetwork(UserCommand, frozen=True, kw_only=True):
    """Keep the change that is on trial, or take it back at once."""

    SERVICE: ClassVar[str] = "watch"
    keep: bool = True


class SetTimeZone(UserCommand, frozen=True, kw_only=True):
    """The system's zone, on the device (`network.not_here` elsewhere); the box's own stands in the settings."""

    SERVICE: ClassVar[str] = "watch"
    zone: str


class BeginTestCall(UserCommand, frozen=True, kw_only=True):
    """Dial a number through a trunk and listen, with no campaign; it is recorded. Reply id: the conversation's."""

    SERVICE: ClassVar[str] = "watch"
    number: str
    trunk_id: str


class ShowTestCall(UserCommand, frozen=True, kw_only=True):
    """Reply data {number, trunk_id, running, steps: [str], outcome, reason, answered, seconds, error_id, error}."""

    SERVICE: ClassVar[str] = "watch"
    id: str


class AcknowledgeAlert(UserCommand, frozen=True, kw_only=True):
    """Say that somebody looks after a standing alert: it goes no further."""

    SERVICE: ClassVar[str] = "watch"
    key: str


class SnoozeAlert(UserCommand, frozen=True, kw_only=True):
    """Hear nothing of a standing alert for a while; told again after it when it still stands."""

    SERVICE: ClassVar[str] = "watch"
    key: str
    minutes: int


class TestSink(UserCommand, frozen=True, kw_only=True):
    """Send a test alert one way now (`email`, `sms`, `webhook`, `syslog`, `snmp_trap`, `leds`).

    Reply data {seconds}; fails with `sink.failed` and what the other side said, `sink.not_set_up` when it is not.
    """

    SERVICE: ClassVar[str] = "watch"
    sink: str
