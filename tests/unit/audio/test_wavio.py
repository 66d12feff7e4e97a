"""Audio files: what is read, how it is made 8 kHz mono, and what is refused with a clear word."""

import numpy as np
import pytest
import soundfile

from audio import AudioFileError, g711, synth, wavio

pytestmark = pytest.mark.unit


def _pitch(samples: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(samples.size)))
    return float(spectrum.argmax()) * 8000 / samples.size


def _sine(rate: int, seconds: float = 1.3) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * 1000 * np.arange(int(rate * seconds)) / rate)


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 22050, 44100, 48000])
def test_other_rates_and_stereo(tmp_path, rate) -> None:
    path = tmp_path / "x.wav"
    mono = _sine(rate)
    soundfile.write(path, np.stack([mono, mono], axis=1), rate)
    samples = wavio.read(path)
    assert samples.dtype == np.int16
    assert samples.size == pytest.approx(1.3 * 8000, abs=1)
    assert _pitch(samples) == pytest.approx(1000, abs=2)
    assert np.abs(samples[400:-400]).max() == pytest.approx(16384, rel=0.02)


@pytest.mark.parametrize("subtype", ["ALAW", "ULAW", "FLOAT", "PCM_24"])
def test_wav_subtypes(tmp_path, subtype) -> None:
    path = tmp_path / "x.wav"
    soundfile.write(path, _sine(8000), 8000, subtype=subtype)
    assert _pitch(wavio.read(path)) == pytest.approx(1000, abs=2)


def test_raw_laws(tmp_path) -> None:
    samples = synth.to_int16(synth.tone([1000.0], 1.0))
    (tmp_path / "x.al").write_bytes(g711.encode_alaw(samples).tobytes())
    (tmp_path / "x.ul").write_bytes(g711.encode_ulaw(samples).tobytes())
    for name in ("x.al", "x.ul"):
        assert np.abs(wavio.read(tmp_path / name).astype(int) - samples).max() < 512


def test_long_resampling_leaves_no_seams(tmp_path) -> None:
    path = tmp_path / "x.wav"
    soundfile.write(path, _sine(16000, 61.0), 16000)
    samples = wavio.read(path).astype(float)
    expected = 16384 * np.sin(2 * np.pi * 1000 * np.arange(samples.size) / 8000)
    assert np.abs(samples - expected)[800:-800].max() < 40


def test_nan_is_silence(tmp_path) -> None:
    path = tmp_path / "x.wav"
    data = np.zeros(8000, np.float32)
    data[100:200] = np.nan
    soundfile.write(path, data, 8000, subtype="FLOAT")
    assert not wavio.read(path).any()


@pytest.mark.parametrize(
    ("name", "content"),
    [("empty.wav", b""), ("text.wav", b"not audio at all"), ("cut.wav", b"RIFF\x24\x00\x00\x00WAVEfmt ")],
)
def test_broken_files_say_so(tmp_path, name, content) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(AudioFileError, match=name):
        wavio.read(path)


def test_missing_file_folder_and_mad_rate(tmp_path) -> None:
    with pytest.raises(AudioFileError, match=r"gone\.wav"):
        wavio.read(tmp_path / "gone.wav")
    with pytest.raises(AudioFileError):
        wavio.read(tmp_path)
    soundfile.write(tmp_path / "mad.wav", np.zeros(100), 10)
    with pytest.raises(AudioFileError, match="10 Hz"):
        wavio.read(tmp_path / "mad.wav")


def test_write_then_read(tmp_path) -> None:
    samples = synth.to_int16(synth.tone([700.0], 0.5))
    wavio.write(tmp_path / "x.wav", samples)
    assert np.array_equal(wavio.read(tmp_path / "x.wav"), samples)
