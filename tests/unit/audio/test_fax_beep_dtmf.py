"""Fax and modem tones, the voicemail beep and its exact end, DTMF."""

import numpy as np
import pytest

from audio import Kind, Label, synth
from tests.unit.audio.hearing import hear, noisy

pytestmark = pytest.mark.unit


def _after(lead_s: float, body: np.ndarray, tail_s: float = 1.5) -> np.ndarray:
    return np.concatenate([synth.silence(lead_s), body, synth.silence(tail_s)])


@pytest.mark.parametrize(
    ("body", "label", "kind"),
    [
        (synth.fax_ced(), Label.FAX, Kind.FAX_CED),
        (synth.fax_cng(), Label.FAX, Kind.FAX_CNG),
        (synth.fax_preamble(1.2), Label.FAX, Kind.FAX_PREAMBLE),
        (synth.modem_answer(), Label.MODEM, Kind.MODEM),
        (synth.modem_answer(modulated=False), Label.MODEM, Kind.MODEM),
        (synth.modem_answer(reversals=False), Label.MODEM, Kind.MODEM),
        (synth.tone([2225.0], 2.0), Label.MODEM, Kind.MODEM),
    ],
    ids=["ced", "cng", "preamble", "ansam_pr", "ans_pr", "ansam", "bell"],
)
@pytest.mark.parametrize("noise_dbov", [-75.0, -36.0])
def test_fax_and_modem(body, label, kind, noise_dbov) -> None:
    verdicts, last = hear(noisy(_after(0.7, body), noise_dbov), phase="answered")
    assert (last.label, last.kind) == (label, kind)
    assert sum(v.final for v in verdicts) == 1


def test_ced_is_known_in_six_tenths_of_a_second() -> None:
    verdicts, _ = hear(_after(0.5, synth.fax_ced()), phase="answered")
    assert next(v for v in verdicts if v.final).decided_at_ms <= 500 + 700


@pytest.mark.parametrize("hz", [350.0, 440.0, 620.0, 1000.0, 1100.0, 1400.0, 1990.0])
@pytest.mark.parametrize("length_s", [0.15, 0.3, 0.5, 1.0])
def test_beep_end_is_exact(hz, length_s) -> None:
    greeting = synth.voice_like(1.6, seed=3)
    start_s = 0.4 + 1.6 + 0.5
    audio = np.concatenate(
        [synth.silence(0.4), greeting, synth.silence(0.5), synth.beep(hz, length_s), synth.silence(1.0)]
    )
    verdicts, last = hear(noisy(audio, -55.0), phase="answered")
    beeps = [v for v in verdicts if "beep_end_ms" in v.evidence]
    assert len(beeps) == 1
    end_ms = (start_s + length_s) * 1000
    assert abs(beeps[0].evidence["beep_end_ms"] - end_ms) <= 15
    assert abs(beeps[0].evidence["beep_start_ms"] - start_s * 1000) <= 15
    assert beeps[0].decided_at_ms - end_ms <= 150
    assert last.label is Label.MACHINE


@pytest.mark.parametrize("hz", [440.0, 900.0, 1500.0])
def test_chords_and_fading_beeps(hz) -> None:
    fading = synth.beep(hz, 0.6) * np.exp(-np.arange(4800) / 8000 * 3)
    for tone in (synth.tone([hz, 1.26 * hz], 0.4), fading):
        audio = np.concatenate([synth.voice_like(1.6, seed=3), synth.silence(0.3), tone, synth.silence(1.5)])
        verdicts, _ = hear(noisy(audio, -50.0), phase="answered")
        starts = [v.evidence["beep_start_ms"] for v in verdicts if "beep_start_ms" in v.evidence]
        assert len(starts) == 1
        assert abs(starts[0] - 1900) <= 20


@pytest.mark.parametrize("noise_dbov", [-75.0, -50.0])
def test_a_quiet_beep_without_speech_and_one_in_noise(noise_dbov) -> None:
    audio = np.concatenate([synth.silence(1.2), synth.beep(950.0, 0.5, -40.0), synth.silence(1.5)])
    verdicts, _ = hear(noisy(audio, noise_dbov), phase="answered")
    ends = [v.evidence["beep_end_ms"] for v in verdicts if "beep_end_ms" in v.evidence]
    assert len(ends) == 1
    assert abs(ends[0] - 1700) <= 20


@pytest.mark.parametrize("body", [synth.fax_cng(), synth.fax_ced(), synth.modem_answer(), synth.dtmf("1590*#")])
def test_faxes_modems_and_digits_do_not_beep(body) -> None:
    verdicts, _ = hear(noisy(_after(0.7, body), -50.0), phase="answered")
    assert not any("beep_end_ms" in v.evidence for v in verdicts)


def test_a_torn_calling_tone_in_noise_is_still_one() -> None:
    burst = synth.fax_cng(1)
    burst[1600:1920] = 0
    verdicts, last = hear(noisy(_after(0.7, burst, 2.0), -30.0), phase="answered")
    assert last.kind is Kind.FAX_CNG
    assert not any("beep_end_ms" in v.evidence for v in verdicts)


def test_a_beep_is_no_fax_and_talk_is_no_beep() -> None:
    talk = np.concatenate([synth.voice_like(2.0, seed=s) for s in range(4)])
    verdicts, last = hear(noisy(talk, -50.0), phase="answered")
    assert not any("beep_end_ms" in v.evidence for v in verdicts)
    assert last.label is not Label.FAX


def test_dtmf_digits_once_each() -> None:
    digits = "0123456789*#ABCD"
    verdicts, _ = hear(noisy(_after(0.3, synth.dtmf(digits)), -50.0), phase="answered")
    assert "".join(str(v.evidence["key"]) for v in verdicts if v.label is Label.DTMF) == digits


@pytest.mark.parametrize(("hz_scale", "wanted"), [(0.985, "5"), (1.015, "5"), (0.965, ""), (1.035, "")])
def test_digits_within_the_limits_of_q24(hz_scale, wanted) -> None:
    press = synth.tone([770.0 * hz_scale, 1336.0 * hz_scale], 0.1, -15.0)
    verdicts, _ = hear(noisy(_after(0.4, press), -60.0), phase="answered")
    assert "".join(str(v.evidence["key"]) for v in verdicts if v.label is Label.DTMF) == wanted


@pytest.mark.parametrize("twist_db", [-4.0, 8.0])
def test_digits_with_twist(twist_db) -> None:
    press = synth.tone([770.0], 0.08, -20.0 + twist_db / 2) + synth.tone([1336.0], 0.08, -20.0 - twist_db / 2)
    verdicts, _ = hear(noisy(_after(0.4, press), -65.0), phase="answered")
    assert [v.evidence["key"] for v in verdicts if v.label is Label.DTMF] == ["5"]


@pytest.mark.parametrize("seed", range(4))
def test_talk_holds_no_digits(seed) -> None:
    talk = synth.voice_like(6.0, seed=seed, pitch_hz=110 + 40 * seed)
    verdicts, _ = hear(noisy(talk, -50.0), phase="answered")
    assert not [v for v in verdicts if v.label is Label.DTMF]


def test_an_unknown_digit_is_refused() -> None:
    with pytest.raises(ValueError, match="substring"):
        synth.dtmf("Z")
