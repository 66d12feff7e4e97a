"""Settings of the ear. Times in seconds, thresholds as probabilities."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ListenerConfig:
    """How sure and how patient the listener is.

    deadline_s           from answer: then the answer is `unknown` (or `silence` if nothing was heard) ...
    deadline_speech_s    ... but not before so much time after speech began ...
    deadline_latest_s    ... and in no case later than this
    human_probability    wanted for `human` (in a pause only); late_... at the deadline, pause or not
    pause_s              so long a pause before a person is believed
    machine_probability  wanted for `machine`: the one setting of the trade-off between lost people and machines passed
                         on; at the deadline and at the very end less is wanted, in proportion (properties below)
    late_until_s         from answer: after a doubtful final word one more may come until then ...
    last_probability     ... when `human` is that probable at last
    late_beep_until_s    from answer: until then a beep may still turn a person or a doubt into a machine
    tone_probability     wanted for ring-back, busy, congestion
    announcement_final_s speech in early media for so long is an announcement, named or not ...
    library_chance_s     ... but with a library at hand it stays open for so long at least, for the library to name it
    library_wait_s       after an information tone, so long for the library to name the words that follow
    silence_s            early media without any sound for so long is called silence
    """

    deadline_s: float = 4.0
    deadline_speech_s: float = 2.5
    deadline_latest_s: float = 6.0
    human_probability: float = 0.95
    machine_probability: float = 0.99
    late_human_probability: float = 0.85
    pause_s: float = 0.8
    late_until_s: float = 8.0
    last_probability: float = 0.5
    late_beep_until_s: float = 10.0
    tone_probability: float = 0.98
    announcement_final_s: float = 6.0
    library_chance_s: float = 2.0
    library_wait_s: float = 4.0
    silence_s: float = 4.0

    @property
    def late_machine_probability(self) -> float:
        """Wanted for `machine` at the deadline and after it."""
        return max(0.5, 1 - 6 * (1 - self.machine_probability))

    @property
    def last_machine_probability(self) -> float:
        """Wanted for `machine` at `late_until_s`."""
        return max(0.5, 1 - 12 * (1 - self.machine_probability))
