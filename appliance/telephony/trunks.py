"""Trunks: groups of channels to the exchange, and how numbers are written towards it and from it.

A trunk has gateways in order of preference and ordered number rules for the called and the calling number in both
directions. The first rule whose `match` is found in the number (anchored at its start) and that leaves at least one
digit applies: `strip` characters go from the front, `prepend` is put before. No rule applies: the number is sent as
it is. The same rules are rendered into the edge, so the patterns keep to the part of the regular-expression language
that Python and POSIX extended expressions share.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator

from appliance.errors import ValidationErrors

_BRACKET = r"\[\^?(?:[0-9*#+.-]|\\d)+\]"
_QUANTIFIER = r"(?:[*+?]|\{[0-9]{1,2}(?:,[0-9]{0,2})?\})"
_SHARED_SYNTAX = re.compile(rf"(?:(?:{_BRACKET}|\\d|\\[+*.?^$()\[\]{{}}|-]|[0-9#.)-]){_QUANTIFIER}?|[(|^$])*")
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOST_NAME = re.compile(rf"(?=.{{1,253}}$){_LABEL}(?:\.{_LABEL})*")
_PLAIN_WORD = r"^[^\s\"\\<>;$`\x00-\x1f]*$"  # may stand in a SIP URI and in a quoted string of the edge's config
TRUNK_ID = r"^[a-z0-9][a-z0-9_-]{0,31}$"


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NumberRule(_Model):
    """One rule: a number that matches loses `strip` characters and gets `prepend` in front."""

    match: str = Field(
        "", title="Match", description="Regular expression from the number's start; empty: any.", max_length=80
    )
    strip: int = Field(0, title="Strip", description="Characters taken off the front.", ge=0, le=30)
    prepend: str = Field("", title="Prepend", description="Put in front.", max_length=30, pattern=r"^[0-9+*#]*$")

    @field_validator("match")
    @classmethod
    def _shared_by_python_and_posix(cls, value: str) -> str:
        if not _SHARED_SYNTAX.fullmatch(value):
            raise ValueError(
                r"a number pattern has digits, # - . \d [0-9] ( | ) ^ $, each with * + ? or {n,m} behind it;"
                r" write \+ for a plus sign and \* for a star"
            )
        try:
            re.compile(value)
        except re.error as error:
            raise ValueError(f"not a regular expression ({error})") from error
        return value

    @property
    def posix(self) -> str:
        """The pattern as a POSIX extended expression, anchored at the start."""

        def spelled(found: re.Match[str]) -> str:
            return "[0-9]" if found[0] == r"\d" else found[0].replace(r"\d", "0-9")

        return "^(" + re.sub(rf"{_BRACKET}|\\d", spelled, self.match) + ")"

    def applies(self, number: str) -> bool:
        return len(number) > self.strip and re.match(self.match, number) is not None

    def apply(self, number: str) -> str:
        return self.prepend + number[self.strip :]


class NumberRules(_Model):
    """Rules for both numbers of a call in one direction."""

    called: tuple[NumberRule, ...] = Field((), title="Called number", max_length=50)
    calling: tuple[NumberRule, ...] = Field((), title="Calling number", max_length=50)


class Gateway(_Model):
    """One gateway of the trunk."""

    address: str = Field(title="Address", description="IP address or host name.")
    port: int = Field(5060, title="Port", ge=1, le=65535)
    transport: Literal["udp", "tcp"] = Field("udp", title="Transport")

    @field_validator("address")
    @classmethod
    def _address_or_name(cls, value: str) -> str:
        try:
            return str(ipaddress.ip_address(value))
        except ValueError:
            if re.fullmatch(r"[0-9.]+", value) or not _HOST_NAME.fullmatch(value):
                raise ValueError("neither an IP address nor a host name") from None
            return value.lower()

    @property
    def uri(self) -> str:
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"sip:{host}:{self.port}" + ("" if self.transport == "udp" else f";transport={self.transport}")


class Provider(_Model):
    """Digest towards a provider, and whether the box registers there."""

    user: str = Field(title="User", description="Digest user name.", min_length=1, max_length=64, pattern=_PLAIN_WORD)
    password: SecretStr = Field(title="Password", description="Digest password.")
    realm: str = Field(
        "", title="Realm", description="Empty: whatever the provider asks with.", max_length=64, pattern=_PLAIN_WORD
    )
    domain: str = Field(
        "", title="Domain", description="SIP domain of the provider; empty: its gateway.", max_length=64,
        pattern=_PLAIN_WORD,
    )  # fmt: skip
    registers: bool = Field(False, title="Register", description="The box registers there.")
    expires_s: int = Field(300, title="Registration life", description="s", ge=60, le=3600)

    @field_validator("password")
    @classmethod
    def _fits_the_edge(cls, value: SecretStr) -> SecretStr:
        if not re.fullmatch(r"[\x20-\x7e]{1,64}", value.get_secret_value()):
            raise ValueError("1 to 64 printable ASCII characters")
        return value


CallerId = Annotated[str, Field(pattern=r"^\+?[0-9]{1,15}$")]


class TrunkConfig(_Model):
    """All of one trunk (stored as plain data in `trunks.config`)."""

    gateways: tuple[Gateway, ...] = Field(
        title="Gateways", description="In order of preference.", min_length=1, max_length=16
    )
    channels: int = Field(30, title="Channels", description="Calls at once.", ge=1, le=480)
    caller_id: str = Field(
        "", title="Caller ID", description="Number shown when a campaign has none.", pattern=r"^(\+?[0-9]{1,15})?$"
    )
    caller_ids: tuple[CallerId, ...] = Field(
        (), title="More caller IDs", description="Numbers this trunk may show beside it, used in turn.", max_length=200
    )
    calls_per_s: float | None = Field(
        None, title="New calls per second", description="What the carrier takes; empty: no limit of its own.", gt=0,
        le=100,
    )  # fmt: skip
    outbound: NumberRules = Field(default_factory=NumberRules, title="Outbound numbers")
    inbound: NumberRules = Field(default_factory=NumberRules, title="Inbound numbers")
    lines: tuple[str, ...] = Field(
        (), title="Lines", description="Names of the watched lines that carry it (card:port); none: SIP only.",
        max_length=64,
    )  # fmt: skip
    provider: Provider | None = Field(
        None, title="Provider", description="Digest and registration; none for own gateways."
    )

    @model_validator(mode="after")
    def _gateways_differ(self) -> TrunkConfig:
        uris = [gateway.uri for gateway in self.gateways]
        doubled = sorted({uri for uri in uris if uris.count(uri) > 1})
        if doubled:
            raise ValueError(f"gateways given twice: {', '.join(doubled)}")
        return self


@dataclass(frozen=True)
class Preview:
    """What becomes of one number: "`given` is sent as `sent`" by rule number `rule` (from 1; None: no rule)."""

    given: str
    sent: str
    rule: int | None


def parse_trunk(config: dict[str, Any]) -> TrunkConfig:
    """Check plain data; raises ValidationErrors with all mistakes at once (field paths like `gateways.0.address`)."""
    try:
        return TrunkConfig.model_validate(config)
    except ValidationError as error:
        raise ValidationErrors(
            [(".".join(map(str, e["loc"])) or "trunk", f"trunk.{e['type']}", e["msg"]) for e in error.errors()]
        ) from error


def apply_rules(rules: Sequence[NumberRule], number: str) -> str:
    """Return the number after the first rule that applies."""
    return preview_rules(rules, number).sent


def preview_rules(rules: Sequence[NumberRule], number: str) -> Preview:
    """Like `apply_rules`, and says which rule it was."""
    for position, rule in enumerate(rules, start=1):
        if rule.applies(number):
            return Preview(number, rule.apply(number), position)
    return Preview(number, number, None)


def preview(
    config: TrunkConfig,
    number: str,
    *,
    direction: Literal["outbound", "inbound"] = "outbound",
    which: Literal["called", "calling"] = "called",
) -> Preview:
    """What this trunk makes of a number: `outbound` E.164 as sent to the gateway, `inbound` the other way round."""
    rules = config.outbound if direction == "outbound" else config.inbound
    return preview_rules(rules.called if which == "called" else rules.calling, number)


def to_plain(config: TrunkConfig) -> dict[str, Any]:
    """Plain data for the store, with the provider's password in clear (the column is private to the box)."""
    plain = config.model_dump(mode="json")
    if config.provider is not None:
        plain["provider"]["password"] = config.provider.password.get_secret_value()
    return plain
