"""Generated tones on bad lines: harder than any development set, deterministic in (seed, family, number).

Every family of tones the ear knows, in all countries of the plans, detuned by 1.5 % and off beat by 10 %, entered in
the middle, at -45..0 dBov and 5..40 dB above noise, with hum, direct current, clipping, echo, slipping clocks, mobile
codecs and lost packets; and sounds that are none: voices, held notes, chords, digits, hum. No recordings are used.
`make` gives one clip; `audio.training.tones_score` runs the ear over many and prints the tables.
"""

import hashlib
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from audio import g711, synth
from audio.labels import Label
from audio.tones import SIT_SEQUENCES, Tone, plans

Samples = NDArray[np.float64]
RATE_HZ = 8000
_CODECS = ("gsm", "amr12.2", "amr7.95", "amr5.9", "amr4.75")
_SOX_MODE = {"amr12.2": "7", "amr7.95": "5", "amr5.9": "2", "amr4.75": "0"}
_BEEP_HZ = (310, 350, 400, 425, 440, 480, 500, 620, 700, 800, 868, 950, 1000, 1100, 1200, 1330, 1400, 1633, 1800, 2000)
_BEEP_S = (0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.2)
_NOTES_HZ = (261.6, 329.6, 392.0, 440.0, 523.3, 659.3, 784.0, 880.0, 1046.5)


@dataclass(frozen=True, slots=True)
class Channel:
    """What was done to a clip on its way."""

    level_dbov: float = -16.0
    snr_db: float = 40.0
    codec: str = ""
    loss: float = 0.0
    effects: tuple[str, ...] = ()


@dataclass(slots=True)
class Clip:
    """int16 samples and the truth: what it is, where it begins and ends, which country's it is."""

    family: str
    country: str
    phase: str
    start_s: float
    stop_s: float
    period_s: float = 0.0
    note: str = ""
    channel: Channel = field(default_factory=Channel)
    samples: NDArray[np.int16] = field(default_factory=lambda: np.zeros(0, np.int16))


def dice_for(*key: object) -> np.random.Generator:
    """A generator of its own for each key."""
    digest = hashlib.sha256("|".join(map(str, key)).encode()).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest[:8], "little")))


def make(seed: int, family: str, number: int, *, stress: bool = False) -> Clip:
    """One clip of a family; `stress` loses 20 to 60 % of the packets. Raises KeyError for an unknown family."""
    dice = dice_for(seed, family, number, stress)
    clean, clip = FAMILIES[family](dice)
    clip.channel, heard = _degrade(clean, clip, dice, stress=stress)
    clip.samples = heard
    return clip


def _pick(dice: np.random.Generator, items: tuple[float, ...] | list[float]) -> float:
    return items[int(dice.integers(len(items)))]


def _call_progress(label: Label) -> Callable[[np.random.Generator], tuple[Samples, Clip]]:
    def render(dice: np.random.Generator) -> tuple[Samples, Clip]:
        tones = [t for p in plans().values() for t in p.tones if t.label is label]
        countries = sorted({t.country for t in tones})
        country = countries[int(dice.integers(len(countries)))]
        variants = [t for t in tones if t.country == country]
        tone = variants[int(dice.integers(len(variants)))]
        return _cadenced(dice, tone, str(label))

    return render


def _cadenced(dice: np.random.Generator, tone: Tone, family: str) -> tuple[Samples, Clip]:
    hz_scale, time_scale = 1 + dice.uniform(-0.015, 0.015), 1 + dice.uniform(-0.1, 0.1)
    lead_s = dice.uniform(0, 1.5) if dice.random() < 0.6 else 0.0
    period_s = 0.0 if tone.endless else tone.period_s * time_scale
    body = synth.cadence(tone, 14.0 + period_s, hz_scale=hz_scale, time_scale=time_scale)
    note = "start"
    if dice.random() < 0.25:
        note = "middle"
        body = body[round(dice.uniform(0, period_s) * RATE_HZ) :]
    body = body[: 13 * RATE_HZ]
    sounding = np.flatnonzero(np.abs(body) > 200)
    start_s = lead_s + (sounding[0] / RATE_HZ if sounding.size else 0.0)
    clean = np.concatenate([synth.silence(lead_s), body])
    return clean, Clip(family, tone.country, "early", start_s, clean.size / RATE_HZ, period_s, note)


def _other_tone(dice: np.random.Generator) -> tuple[Samples, Clip]:
    """Dial, special dial and call-waiting tones: of the exchange, but no word about the call."""
    tones = [t for p in plans().values() for t in p.others]
    return _cadenced(dice, tones[int(dice.integers(len(tones)))], "other_tone")


def _unobtainable(dice: np.random.Generator) -> tuple[Samples, Clip]:
    tones = [t for p in plans().values() for t in p.tones if t.label is Label.VACANT]
    return _cadenced(dice, tones[int(dice.integers(len(tones)))], "unobtainable")


def _sit(label: Label) -> Callable[[np.random.Generator], tuple[Samples, Clip]]:
    def render(dice: np.random.Generator) -> tuple[Samples, Clip]:
        lead_s, gap_s = dice.uniform(0, 1.5), dice.uniform(0, 0.03)
        hz_scale, time_scale = 1 + dice.uniform(-0.015, 0.015), 1 + dice.uniform(-0.1, 0.1)
        parts = [synth.silence(lead_s)]
        for place, (hz, length_s) in enumerate(SIT_SEQUENCES[label]):
            parts += [synth.silence(gap_s if place else 0.0), synth.tone([hz * hz_scale], length_s * time_scale)]
        stop_s = sum(map(len, parts)) / RATE_HZ
        parts.append(synth.silence(dice.uniform(0.1, 0.6)))
        after = dice.random()
        if after < 0.6:
            parts.append(synth.voice_like(5.0, seed=int(dice.integers(1 << 30)), pitch_hz=dice.uniform(90, 250)))
        parts.append(synth.silence(3.0))
        return np.concatenate(parts), Clip(
            str(label), "us", "early", lead_s, stop_s, note="speech" if after < 0.6 else ""
        )

    return render


def _fax(kind: str) -> Callable[[np.random.Generator], tuple[Samples, Clip]]:
    def render(dice: np.random.Generator) -> tuple[Samples, Clip]:
        lead_s = dice.uniform(0.2, 2.2)
        scale = 1 + dice.uniform(-0.004, 0.004)
        if kind == "fax_ced":
            body = synth.tone([2100.0 * scale], dice.uniform(2.6, 4.0))
        elif kind == "fax_cng":
            burst = synth.tone([1100.0 * (1 + dice.uniform(-0.03, 0.03))], 0.5 * (1 + dice.uniform(-0.15, 0.15)))
            body = np.tile(np.concatenate([burst, synth.silence(3.0 * (1 + dice.uniform(-0.15, 0.15)))]), 3)
        elif kind == "fax_preamble":
            body = synth.fax_preamble(dice.uniform(1.0, 2.4))
        else:
            body = _modem(dice)
        clean = np.concatenate([synth.silence(lead_s), body, synth.silence(2.0)])
        return clean, Clip(kind, "cn", "answered", lead_s, lead_s + body.size / RATE_HZ)

    return render


def _modem(dice: np.random.Generator) -> Samples:
    kind = int(dice.integers(5))
    if kind < 3:
        answer: Samples = synth.modem_answer(dice.uniform(2.6, 4.0), modulated=kind != 0, reversals=kind != 1)
        return answer
    if kind == 3:
        return synth.tone([2225.0 * (1 + dice.uniform(-0.004, 0.004))], dice.uniform(2.0, 3.3))
    return synth.phase_modulated(dice.uniform(2.5, 4.0), carrier_hz=2400.0, baud=600, seed=int(dice.integers(1 << 30)))


def _beep(dice: np.random.Generator) -> tuple[Samples, Clip]:
    hz = _pick(dice, list(map(float, _BEEP_HZ))) * (1 + dice.uniform(-0.015, 0.015))
    length_s = _pick(dice, list(_BEEP_S))
    spoken = dice.random() < 0.85
    level = -16.0 + dice.uniform(-6, 4)
    tones = [hz, 1.26 * hz] if dice.random() < 0.15 and hz < 1600 else [hz]
    beep = synth.tone(tones, length_s, level)
    note = "dual" if len(tones) > 1 else "single"
    if dice.random() < 0.2:
        beep, note = beep * np.exp(-np.arange(beep.size) / RATE_HZ * dice.uniform(1, 5)), note + " decaying"
    pause_s = dice.uniform(0.1, 1.2)
    lead = [synth.silence(dice.uniform(0.1, 1.0))]
    if spoken:
        seed, pitch_hz = int(dice.integers(1 << 30)), dice.uniform(90, 250)
        lead.append(synth.voice_like(dice.uniform(1.0, 5.0), -19.0, seed=seed, pitch_hz=pitch_hz))
    else:
        note += " alone"
    before = np.concatenate([*lead, synth.silence(pause_s)])
    start_s = before.size / RATE_HZ
    clean = np.concatenate([before, beep, synth.silence(2.5)])
    return clean, Clip("beep", "cn", "answered", start_s, start_s + length_s, note=note)


def _nothing(dice: np.random.Generator) -> tuple[Samples, Clip]:
    """Sounds that are no generated tone of a telephone network."""
    kind = ("voice", "notes", "chords", "glide", "hum", "dtmf", "silence")[int(dice.integers(7))]
    seed = int(dice.integers(1 << 30))
    if kind == "voice":
        body = synth.voice_like(10.0, seed=seed, pitch_hz=dice.uniform(90, 280))
    elif kind in ("notes", "chords"):
        body = synth.silence(0.3)
        while body.size < 10 * RATE_HZ:
            root_hz = _pick(dice, list(_NOTES_HZ))
            ratios = (1.0, 1.26, 1.5) if kind == "chords" else (1.0,)
            body = np.concatenate([body, _note(dice, [root_hz * r for r in ratios], dice.uniform(0.15, 2.0))])
    elif kind == "glide":
        time = np.arange(10 * RATE_HZ) / RATE_HZ
        hz = dice.uniform(380, 700) * (1 + 0.05 * np.sin(2 * np.pi * dice.uniform(0.1, 5) * time))
        body = 6000 * np.sin(2 * np.pi * np.cumsum(hz) / RATE_HZ)
    elif kind == "hum":
        time = np.arange(10 * RATE_HZ) / RATE_HZ
        base_hz = (50.0, 60.0)[int(dice.integers(2))]
        body = sum((3000 / k * np.sin(2 * np.pi * base_hz * k * time + k) for k in range(1, 12)), np.zeros(time.size))
    elif kind == "dtmf":
        digits = "".join("0123456789*#"[int(i)] for i in dice.integers(12, size=12))
        body = synth.dtmf(digits, on_s=dice.uniform(0.06, 0.3), off_s=dice.uniform(0.06, 0.4))
    else:
        body = synth.silence(10.0)
    phase = "early" if dice.random() < 0.5 else "answered"
    return body[: 12 * RATE_HZ], Clip("nothing", "cn", phase, 0.0, body.size / RATE_HZ, note=kind)


def _note(dice: np.random.Generator, hz: list[float], length_s: float) -> Samples:
    """A note of an instrument: overtones, a slow decay, sometimes a vibrato."""
    time = np.arange(round(length_s * RATE_HZ)) / RATE_HZ
    bend = 1 + (0.004 if dice.random() < 0.5 else 0.0) * np.sin(2 * np.pi * 5.5 * time)
    out = np.zeros(time.size)
    for f in hz:
        phase = 2 * np.pi * np.cumsum(f * bend) / RATE_HZ
        for overtone in range(1, 5):
            out += np.sin(overtone * phase) * dice.uniform(0.1, 1.0) / overtone**1.5
    swell = np.minimum(time / 0.02, 1.0) * np.exp(-time * dice.uniform(0.0, 3.0))
    shaped: Samples = 5000 * out * swell / len(hz)
    return shaped


def _degrade(
    clean: Samples, clip: Clip, dice: np.random.Generator, *, stress: bool
) -> tuple[Channel, NDArray[np.int16]]:
    """The line: echo, codec, level, noise, hum, direct current, slips, losses, G.711."""
    effects: list[str] = []
    samples = clean
    if dice.random() < 0.15:
        delay = round(dice.uniform(0.03, 0.25) * RATE_HZ)
        echo = np.concatenate([np.zeros(delay), samples[:-delay]]) * 10 ** (dice.uniform(-30, -15) / 20)
        samples, effects = samples + echo, [*effects, "echo"]
    codec = ""
    if dice.random() < 0.35:
        codec = _CODECS[int(dice.integers(len(_CODECS)))]
        samples = _coded(samples, codec)
    loud = np.abs(samples) > 0.1 * np.abs(samples).max() if np.any(samples) else np.zeros(samples.size, bool)
    power = float(np.mean(samples[loud] ** 2)) if loud.any() else 1e4
    level = dice.uniform(-28, -10) if dice.random() < 0.6 else dice.uniform(-45, 0)
    snr = dice.uniform(10, 30) if dice.random() < 0.6 else dice.uniform(5, 40)
    target = 32768 * 10 ** (level / 20)
    samples = samples * (target / np.sqrt(power))
    samples = samples + _noise(samples.size, dice) * target * 10 ** (-snr / 20)
    time = np.arange(samples.size) / RATE_HZ
    if dice.random() < 0.25:
        base_hz = (50.0, 60.0)[int(dice.integers(2))]
        hum = sum((np.sin(2 * np.pi * base_hz * k * time + k) / k for k in (1, 2, 3, 5, 7)), np.zeros(time.size))
        samples, effects = samples + hum * target * 10 ** (dice.uniform(-40, -18) / 20), [*effects, "hum"]
    if dice.random() < 0.1:
        samples, effects = samples + dice.uniform(-2500, 2500), [*effects, "dc"]
    if dice.random() < 0.1:
        ceiling = 1.2 * target
        samples, effects = np.clip(samples, -ceiling, ceiling), [*effects, "clip"]
    if dice.random() < 0.1:
        samples, effects = _slip(samples, dice), [*effects, "slip"]
    loss = 0.0
    if stress or dice.random() < 0.35:
        loss = float(dice.uniform(0.2, 0.6) if stress else dice.uniform(0.005, 0.05))
        samples = _lose(samples, loss, dice)
    whole = np.clip(np.round(samples), -32768, 32767).astype(np.int16)
    law = plans()[clip.country].law if clip.country in plans() else "alaw"
    if law == "ulaw":
        return Channel(level, snr, codec, loss, tuple(effects)), g711.decode_ulaw(g711.encode_ulaw(whole))
    return Channel(level, snr, codec, loss, tuple(effects)), g711.decode_alaw(g711.encode_alaw(whole))


def _noise(size: int, dice: np.random.Generator) -> Samples:
    spectrum = np.fft.rfft(dice.standard_normal(size))
    hz = np.maximum(np.fft.rfftfreq(size, 1 / RATE_HZ), 60.0)
    shaped = np.fft.irfft(spectrum / hz ** (0.0, 0.5, 1.0)[int(dice.integers(3))], size)
    noise: Samples = shaped / np.std(shaped)
    return noise


def _slip(samples: Samples, dice: np.random.Generator) -> Samples:
    """Two clocks that differ: now and then 20 ms are said twice or left out."""
    out, at = [], 0
    while at < samples.size:
        step = round(dice.uniform(1.5, 5.0) * RATE_HZ)
        out.append(samples[at : at + step])
        at += step + (160 if dice.random() < 0.5 else -160)
    return np.concatenate(out)


def _lose(samples: Samples, share: float, dice: np.random.Generator) -> Samples:
    """Bursts of lost packets of 20 ms, as silence or as the last packet fading."""
    out = samples.copy()
    keep_s = 2.0 if share > 0.1 else 1.5
    enter = share / keep_s / (1 - share)
    repeat, lost, run = dice.random() < 0.5, False, 0
    for at in range(0, samples.size - 159, 160):
        lost = dice.random() > 1 / keep_s if lost else dice.random() < enter
        run = run + 1 if lost else 0
        if lost:
            out[at : at + 160] = (
                samples[at - 160 * run : at - 160 * run + 160] * 0.7**run if repeat and at >= 160 * run else 0
            )
    return out


def _coded(samples: Samples, codec: str) -> Samples:
    """Through a mobile codec (sox); unchanged where sox is not installed."""
    sox = shutil.which("sox")
    if sox is None:
        return samples
    raw = ("-t", "raw", "-r", "8000", "-e", "signed", "-b", "16", "-c", "1")
    kind = "gsm" if codec == "gsm" else "amr-nb"
    mode = ("-C", _SOX_MODE[codec]) if codec != "gsm" else ()
    data = np.clip(np.round(samples), -32768, 32767).astype("<i2").tobytes()
    coded = subprocess.run([sox, "-D", "-R", "-V1", *raw, "-", "-t", kind, *mode, "-"], input=data, capture_output=True)
    plain = subprocess.run(
        [sox, "-D", "-R", "-V1", "-t", kind, "-", *raw, "-"], input=coded.stdout, capture_output=True
    )
    out = np.frombuffer(plain.stdout, "<i2").astype(np.float64)
    return np.pad(out, (0, max(0, samples.size - out.size)))[: samples.size]


FAMILIES: dict[str, Callable[[np.random.Generator], tuple[Samples, Clip]]] = {
    "ringback": _call_progress(Label.RINGBACK),
    "busy": _call_progress(Label.BUSY),
    "congestion": _call_progress(Label.CONGESTION),
    "unobtainable": _unobtainable,
    "other_tone": _other_tone,
    **{str(label): _sit(label) for label in SIT_SEQUENCES},
    **{kind: _fax(kind) for kind in ("fax_ced", "fax_cng", "fax_preamble", "modem")},
    "beep": _beep,
    "nothing": _nothing,
}
"""Makers by name: each takes dice and gives clean samples (int16 units) and the truth."""
