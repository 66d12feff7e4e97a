"""A small far end on sipp: answers the switch's INVITEs by the beginning of the dialled number, with A-law audio.

sipp is an independent SIP stack without a limit of calls, so what it is told is what the switch really sends. For a
whole exchange with a dial plan and truth see `appliance.bench.exchange`; this is for media figures and plain tests.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from appliance.errors import BoxError
from audio import g711, synth

_READY_TIMEOUT_S = 10.0
_HEADERS = "[last_Via:]\n[last_Record-Route:]\n[last_From:]\n[last_To:]{tag}\n[last_Call-ID:]\n"
_TAG = ";tag=[pid]F[call_number]"
_SDP = """v=0
o=far 1 1 IN IP[local_ip_type] [local_ip]
s=-
c=IN IP[media_ip_type] [media_ip]
t=0 0
m=audio [rtpstream_audio_port] RTP/AVP 8 101
a=rtpmap:8 PCMA/8000
a=rtpmap:101 telephone-event/8000
a=ptime:20
"""


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What happens to a number: provisional with or without audio, a wait, then an answer or a refusal.

    `prefix` is matched against the user part of To. Sounds name raw A-law files of the sound folder.
    """

    prefix: str
    provisional: int | None = 180
    early_sound: str = ""
    wait_ms: int = 100
    final: int | None = 200  # None: rings for ever (or says nothing at all when there is no provisional)
    reason: str = ""
    with_sdp: bool = True
    sound: str = "talk"
    hang_up_after_ms: int | None = None


STANDARD = (
    Behaviour("+9404", None, final=404, wait_ms=0, reason='Reason: Q.850;cause=1;text="Unallocated number"'),
    Behaviour("+9486", 180, final=486, wait_ms=200, reason='Reason: Q.850;cause=17;text="User busy"'),
    Behaviour("+9503", None, final=503, wait_ms=0, reason="Reason: Q.850;cause=34\nRetry-After: 5"),
    Behaviour("+9183", 183, early_sound="vacant", final=404, wait_ms=5000, reason="Reason: Q.850;cause=1"),
    Behaviour("+9700", 183, early_sound="ringback", wait_ms=2500),
    Behaviour("+9701", 180, sound="mailbox"),
    Behaviour("+9600", 180, final=None),
    Behaviour("+9000", None, final=None),
    Behaviour("+9201", 180, with_sdp=False),
    Behaviour("+9100", 180, sound="low"),
    Behaviour("+9300", None, sound="talk", hang_up_after_ms=800),
    Behaviour("silent", 180, final=None),
    Behaviour("gone", None, final=480, wait_ms=0, reason="Reason: Q.850;cause=20"),
    Behaviour("seat", None, wait_ms=0, sound="high"),
    Behaviour("", 180, wait_ms=200),
)


def make_sounds(folder: Path) -> None:
    """Make the raw A-law files: speech-like talk, two pure tones, ring-back, a vacant number's tones and words.

    `mailbox` says as little as a person would, waits, and beeps only then.
    """
    folder.mkdir(parents=True, exist_ok=True)
    talk = np.concatenate(
        [np.concatenate([synth.voice_like(1.2, seed=seed), synth.silence(0.5)]) for seed in range(6)]
    )
    ringing = np.concatenate([synth.tone([450.0], 1.0), synth.silence(4.0)])
    vacant = np.concatenate(
        [synth.tone([hz], 0.33) for hz in (950.0, 1400.0, 1800.0)] + [synth.silence(0.5), synth.voice_like(8.0, seed=9)]
    )
    mailbox = np.concatenate(
        [synth.silence(0.6), synth.voice_like(0.7, seed=1), synth.silence(4.5), synth.tone([1000.0], 0.5),
         synth.silence(20.0)]
    )  # fmt: skip
    sounds = {
        "mailbox": mailbox, "talk": talk, "low": synth.tone([400.0], 2.0), "high": synth.tone([700.0], 2.0),
        "ringback": np.tile(ringing, 4), "vacant": vacant,
    }  # fmt: skip
    for name, samples in sounds.items():
        (folder / f"{name}.al").write_bytes(bytes(g711.encode_alaw(synth.to_int16(samples))))


def _message(status: str, *, cseq: str = "[last_CSeq:]", tag: bool = True, extra: str = "", sdp: bool = False) -> str:
    head = f"SIP/2.0 {status}\n" + _HEADERS.format(tag=_TAG if tag else "") + cseq + "\n"
    head += extra.strip() + "\n" if extra else ""
    if sdp:
        return f"{head}Content-Type: application/sdp\nContent-Length: [len]\n\n{_SDP}"
    return f"{head}Content-Length: 0\n\n"


def _send(message: str, attributes: str = "") -> str:
    return f"<send {attributes}><![CDATA[\n{message}\n]]></send>\n"


def _play(folder: Path, sound: str) -> str:
    return f'<nop><action><exec rtp_stream="{folder / sound}.al,-1,8"/></action></nop>\n'


def _branch(number: int, behaviour: Behaviour, folder: Path) -> str:
    contact = "Contact: <sip:far@[local_ip]:[local_port]>"
    parts = [f'<label id="b{number}"/>\n']
    if behaviour.provisional is not None:
        early = bool(behaviour.early_sound)
        parts.append(_send(_message(f"{behaviour.provisional} Progress", extra=contact, sdp=early)))
        if early:
            parts.append(_play(folder, behaviour.early_sound))
    if behaviour.final is None:
        parts.append('<recv request="CANCEL" next="cancelled"/>\n')
        return "".join(parts)
    if behaviour.wait_ms:
        parts.append(
            f'<recv request="CANCEL" timeout="{behaviour.wait_ms}" ontimeout="f{number}" next="cancelled"/>\n'
        )
    parts.append(f'<label id="f{number}"/>\n')
    if behaviour.final >= 300:
        parts.append(_send(_message(f"{behaviour.final} Refused", extra=behaviour.reason), 'next="wack"'))
        return "".join(parts)
    parts.append(_send(_message("200 OK", extra=contact, sdp=behaviour.with_sdp), 'retrans="500"'))
    parts.append('<recv request="ACK"/>\n')
    if behaviour.with_sdp:
        parts.append(_play(folder, behaviour.sound))
    if behaviour.hang_up_after_ms is not None:
        parts.append(f'<pause milliseconds="{behaviour.hang_up_after_ms}"/>\n')
        bye = (
            "BYE [next_url] SIP/2.0\nVia: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]\n[routes]\n"
            f"From: [$to]{_TAG}\nTo: [$from]\n[last_Call-ID:]\nCSeq: 1 BYE\nMax-Forwards: 70\nContent-Length: 0\n\n"
        )
        parts.append(_send(bye, 'retrans="500"') + '<recv response="200" next="fin"/>\n')
    else:
        parts.append('<nop next="wbye"/>\n')
    return "".join(parts)


def scenario(behaviours: tuple[Behaviour, ...], folder: Path) -> str:
    """Return the sipp scenario for these behaviours; the first whose prefix fits is played, the last takes the rest."""
    cases = list(enumerate(behaviours))
    matchers = "".join(
        f'<ereg regexp="sip:{b.prefix.replace("+", "[+]")}" search_in="hdr" header="To:" check_it="false" '
        f'assign_to="m{n}"/>\n'
        for n, b in cases[:-1]
    )
    jumps = "".join(f'<nop test="m{n}" next="b{n}"/>\n' for n, _ in cases[:-1])
    cancelled = _send(_message("200 OK")) + _send(
        _message("487 Request Terminated", cseq="CSeq: [$cseq] INVITE"), 'next="wack"'
    )
    return f"""<?xml version="1.0" encoding="ISO-8859-1" ?>
<!DOCTYPE scenario SYSTEM "sipp.dtd">
<scenario name="far end">
<recv request="INVITE" crlf="true" rrs="true"><action>
<ereg regexp="[0-9]+" search_in="hdr" header="CSeq:" assign_to="cseq"/>
<ereg regexp=".*" search_in="hdr" header="From:" assign_to="from"/>
<ereg regexp=".*" search_in="hdr" header="To:" assign_to="to"/>
{matchers}</action></recv>
{jumps}<nop next="b{len(cases) - 1}"/>
{"".join(_branch(n, b, folder) for n, b in cases)}
<label id="cancelled"/>
{cancelled}
<label id="wbye"/>
<recv request="BYE"/>
{_send(_message("200 OK", tag=False), 'next="fin"')}
<label id="wack"/>
<recv request="ACK" optional="false" timeout="5000"/>
<label id="fin"/>
<timewait milliseconds="300"/>
<Reference variables="cseq,from,to"/>
</scenario>
"""


class FarEnd:
    """The running sipp; a context manager that ends it."""

    def __init__(
        self, address: str, port: int, *, rtp_port: int = 40000, behaviours: tuple[Behaviour, ...] = STANDARD,
        seconds: int = 600,
    ) -> None:  # fmt: skip
        self.uri = f"{address}:{port}"
        self._folder = tempfile.TemporaryDirectory(prefix="callbox-far-end-")
        folder = Path(self._folder.name)
        make_sounds(folder)
        (folder / "far_end.xml").write_text(scenario(behaviours, folder))
        self._log = folder / "output.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [
                    "sipp", "-sf", str(folder / "far_end.xml"), "-i", address, "-p", str(port), "-mi", address,
                    "-mp", str(rtp_port), "-rtp_payload", "8", "-nostdin", "-timeout", str(seconds), "-max_socket",
                    "4000", "-aa", "-trace_err", "-error_file", str(folder / "errors.log"),
                ],
                stdout=log, stderr=log, cwd=folder, env={**os.environ, "TERM": "dumb"},
            )  # fmt: skip
        self._wait_until_bound(address, port)

    def _wait_until_bound(self, address: str, port: int) -> None:
        packed = "".join(f"{int(part):02X}" for part in reversed(address.split(".")))
        deadline_s = time.monotonic() + _READY_TIMEOUT_S
        while f"{packed}:{port:04X}" not in Path("/proc/self/net/udp").read_text():
            if self._process.poll() is not None or time.monotonic() > deadline_s:
                raise BoxError("bench.far_end", f"sipp did not start: {self.errors()[-500:]}")
            time.sleep(0.02)

    def errors(self) -> str:
        """What sipp complained of."""
        found = Path(self._folder.name) / "errors.log"
        source = found if found.exists() else self._log
        return source.read_text("utf-8", "replace")

    def close(self) -> None:
        """End sipp and remove its files."""
        self._process.kill()
        self._process.wait()
        self._folder.cleanup()

    def __enter__(self) -> FarEnd:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
