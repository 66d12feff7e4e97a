"""What a line can be heard to be: the closed vocabulary of outcomes, and how it was heard.

Outcomes that only signalling can tell (`rejected`, `no_answer`, ...) are not here: the ear cannot hear them.
`score_label` translates to the names that the development set's scorer uses.
"""

from enum import StrEnum


class Label(StrEnum):
    """What the line is."""

    HUMAN = "human"
    MACHINE = "machine"
    SCREENING = "screening"
    IVR = "ivr"
    FAX = "fax"
    MODEM = "modem"
    RINGBACK = "ringback"
    BUSY = "busy"
    CONGESTION = "congestion"
    VACANT = "vacant"
    POWERED_OFF = "powered_off"
    OUT_OF_SERVICE = "out_of_service"
    UNREACHABLE = "unreachable"
    CALL_BARRED = "call_barred"
    NUMBER_CHANGED = "number_changed"
    SIT_VACANT = "sit_vacant"
    SIT_INTERCEPT = "sit_intercept"
    SIT_NO_CIRCUIT = "sit_no_circuit"
    SIT_REORDER = "sit_reorder"
    SIT_INFO = "sit_info"
    ANNOUNCEMENT_UNKNOWN = "announcement_unknown"
    MUSIC = "music"
    SILENCE = "silence"
    DTMF = "dtmf"
    UNKNOWN = "unknown"


class Kind(StrEnum):
    """How it was heard."""

    TONE = "tone"
    ANNOUNCEMENT = "announcement"
    SIT = "sit"
    FAX_CED = "fax_ced"
    FAX_CNG = "fax_cng"
    FAX_PREAMBLE = "fax_preamble"
    MODEM = "modem"
    SPEECH = "speech"
    MUSIC = "music"
    SILENCE = "silence"


ANNOUNCEMENT_LABELS = frozenset(
    {
        Label.VACANT,
        Label.POWERED_OFF,
        Label.OUT_OF_SERVICE,
        Label.UNREACHABLE,
        Label.BUSY,
        Label.CALL_BARRED,
        Label.NUMBER_CHANGED,
        Label.CONGESTION,
    }
)
"""Labels that an enrolled announcement of the exchange may carry."""

_SCORE_NAMES = {
    Label.POWERED_OFF: "announcement_off",
    Label.OUT_OF_SERVICE: "announcement_suspended",
    Label.ANNOUNCEMENT_UNKNOWN: "announcement",
    Label.SIT_NO_CIRCUIT: "sit_nocircuit",
    Label.SCREENING: "machine",
    Label.IVR: "machine",
}
_FROM_SCORE = {
    "announcement_off": Label.POWERED_OFF,
    "announcement_suspended": Label.OUT_OF_SERVICE,
}


def score_label(label: Label, kind: Kind) -> str:
    """Name of a verdict in the development set's manifest (`score.py`)."""
    if label is Label.FAX:
        return str(kind)
    if label in _SCORE_NAMES:
        return _SCORE_NAMES[label]
    if kind is Kind.ANNOUNCEMENT:
        return f"announcement_{label}"
    return str(label)


def announcement_label(name: str) -> Label:
    """Label of an announcement from its own name or from the scorer's (`announcement_off`, ...).

    Raises ValueError when the name is not one that an announcement may carry.
    """
    label = _FROM_SCORE.get(name) or Label(name.removeprefix("announcement_"))
    if label not in ANNOUNCEMENT_LABELS:
        raise ValueError(f"{name!r} is not the name of an announcement")
    return label
