"""Sound out of the archive for the ear: decoded in memory, never laid down in the clear."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import soundfile

from appliance.errors import BoxError, CallerError, NotFoundError
from appliance.jobs.context import Context
from appliance.jobs.encoding import PlainView
from appliance.store import sealed
from appliance.store.models import Recording, RecordingKey
from appliance.store.repositories import recordings
from audio import wavio
from audio.analysis import CHUNK, LineAnalysis
from audio.resample import resample

Samples = npt.NDArray[np.int16]
LONGEST_S = 60.0
_MARGIN_S = 0.2


def customer_side(context: Context, recording_id: str) -> tuple[Recording, Samples]:
    """An archived recording and its left channel, int16 [n] at 8 kHz.

    Raises NotFoundError `recording.unknown` or `recording.deleted`, CallerError `recording.not_ready`, BoxError when
    the file is damaged. The caller has checked who asks and writes the audit line.
    """
    with context.store.read() as session:
        recording = recordings.get(session, recording_id)
        key_row = session.get(RecordingKey, recording_id)
    if recording.state == recordings.DELETED:
        raise NotFoundError("recording.deleted", "This recording was deleted as its retention rule says.")
    if recording.state != recordings.ARCHIVED or key_row is None:
        raise CallerError(
            "recording.not_ready", "This recording is not archived yet; try again in a moment.", retryable=True
        )
    secret = context.secrets.archive_key.get_secret_value()
    key = sealed.unwrap(secret, key_row.wrapped_key, f"recording:{recording_id}")
    try:
        with sealed.SealedReader(context.home.archive / recording.archive_path, key) as reader:
            data, rate_hz = soundfile.read(PlainView(reader), dtype="float32", always_2d=True)
    except (OSError, soundfile.LibsndfileError) as error:
        raise BoxError("recording.damaged", f"Recording {recording_id} cannot be read: {error}") from error
    return recording, wavio.to_int16(resample(data[:, 0], int(rate_hz)))


def cut(samples: Samples, from_s: float, to_s: float) -> Samples:
    """The part between two times (`to_s` 0: to the end), at most a minute."""
    first = max(0, round(from_s * wavio.RATE_HZ))
    last = round(to_s * wavio.RATE_HZ) if to_s > 0 else samples.size
    return samples[first : min(last, first + round(LONGEST_S * wavio.RATE_HZ))]


def spoken_part(samples: Samples) -> Samples:
    """From the first voice to the last: ring-back before an announcement must not be enrolled with it.

    All of it when no voice is found.
    """
    whole = samples[: samples.size - samples.size % CHUNK]
    if not whole.size:
        return samples
    line = LineAnalysis(early=True)
    chunks = whole.reshape(-1, CHUNK)
    spoken = [any(step.voiced) for chunk in chunks for step in line.push(chunk)]
    if not any(spoken):
        return samples
    margin = round(_MARGIN_S * wavio.RATE_HZ)
    first, last = spoken.index(True) * CHUNK, (len(spoken) - spoken[::-1].index(True)) * CHUNK
    return samples[max(0, first - margin) : last + margin]
