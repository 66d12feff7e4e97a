"""A few seats get a real soft phone, baresip, so that the edge also meets a stack that is not ours."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import soundfile

from appliance.bench.room import PhoneSpec
from appliance.errors import BoxError
from appliance.settings import SipSettings

_CONFIG = """\
poll_method epoll
sip_listen {address}:{port}
call_local_timeout 120
call_max_calls 4
audio_player aufile,{folder}/heard.wav
audio_source aufile,{sound}
audio_alert aufile,{sound}
audio_level no
ausrc_srate 8000
auplay_srate 8000
ausrc_channels 1
auplay_channels 1
rtp_tos 184
rtp_ports 52000-52100
rtcp_mux no
jitter_buffer_delay 2-5
net_interface {address}
module_path {modules}
module g711.so
module aufile.so
module_app account.so
module_app menu.so
"""
_VOICE_S = 300.0
"""baresip hangs up at the end of the file that it speaks, so that it gets one longer than any conversation here."""
_ACCOUNT = (
    '<sip:{seat}@{realm}>;auth_user={seat};auth_pass={password};outbound="sip:{edge}:{edge_port}";regint=60;'
    "answermode=auto;audio_codecs=pcma/8000/1\n"
)


class Baresip:
    """One baresip process with its own configuration folder."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def stop(self) -> None:
        """Ask it to end (it unregisters); kill it when it does not within three seconds."""
        if self.running:
            self._process.terminate()
            try:
                self._process.wait(3.0)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()


def modules_folder() -> Path | None:
    """Where Debian keeps baresip's modules, or None when it is not installed."""
    return next((p for p in (Path("/usr/lib/baresip/modules"),) if p.is_dir()), None)


def _long(sound: Path, into: Path) -> Path:
    """The sound again and again, in a file of its own."""
    samples, rate_hz = soundfile.read(sound, dtype="int16")
    soundfile.write(into, np.resize(samples, round(_VOICE_S * rate_hz)), rate_hz, subtype="PCM_16")
    return into


def start_baresip(spec: PhoneSpec, sip: SipSettings, folder: Path, sound: Path) -> Baresip:
    """Start one phone. Raises BoxError `bench.no_baresip` when the package is missing."""
    modules = modules_folder()
    program = shutil.which("baresip")
    if modules is None or program is None:
        raise BoxError("bench.no_baresip", "baresip is not installed (package baresip-core).")
    folder.mkdir(parents=True, exist_ok=True)
    voice = _long(sound, folder / "voice.wav")
    (folder / "config").write_text(
        _CONFIG.format(address=spec.address, port=spec.port, folder=folder, sound=voice, modules=modules), "utf-8"
    )
    account = folder / "accounts"
    account.touch(mode=0o600)
    account.write_text(
        _ACCOUNT.format(
            seat=spec.seat_id, password=spec.password, realm=sip.realm, edge=sip.seat_address, edge_port=sip.seat_port
        ),
        "utf-8",
    )
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [program, "-f", str(folder)], stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
        )
    return Baresip(process)
