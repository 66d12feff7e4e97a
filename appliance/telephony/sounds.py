"""What a customer hears that nobody says: prompts, one after the other, and the music of hold and queue."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from pathlib import Path

from appliance.commands import Hold, PlayPrompt
from appliance.telephony.mixing import MUSIC, PROMPT
from appliance.telephony.port import TelephonyPort
from appliance.telephony.prompts import prompt_path


class Sounds:
    """`remix` is called when who hears what has changed."""

    def __init__(self, port: TelephonyPort, folder: Path, remix: Callable[[], None]) -> None:
        self._port, self._folder, self._remix = port, folder, remix
        self.prompt: PlayPrompt | None = None
        self.held = False
        self.until_bridged = False  # the music is a queue's
        self._then: deque[str] = deque()  # prompts that follow the one that plays

    @property
    def held_by_agent(self) -> bool:
        return self.held and not self.until_bridged

    def hold(self, command: Hold) -> None:
        """Begin or end the music."""
        if command.resume == self.held:
            self.held = not command.resume
            self.until_bridged = command.until_bridged
            if self.held:
                self._port.play(MUSIC, prompt_path(self._folder, command.music), loop=True)
            else:
                self._port.stop(MUSIC)
            self._remix()

    def hold_quietly(self) -> None:
        """Hold as an agent does."""
        self.hold(Hold(conversation_id=""))

    def resume(self) -> None:
        self.hold(Hold(conversation_id="", resume=True))

    def music_until_bridged(self) -> None:
        """Hold until a seat answers, also where the agent holds already."""
        self.hold(Hold(conversation_id="", until_bridged=True))
        self.until_bridged = True

    def play(self, command: PlayPrompt) -> None:
        """Play prompts to a leg; what plays is broken off."""
        self.prompt = command
        self._then = deque((command.prompt_id, *command.then))
        self._play_next()

    def _play_next(self) -> None:
        self._port.play(PROMPT, prompt_path(self._folder, self._then.popleft()), loop=False)
        self._remix()

    def ended(self, sound: str) -> PlayPrompt | None:
        """A sound is over; returns the command once the last of its prompts is."""
        prompt = self.prompt
        if sound != PROMPT or prompt is None:
            return None
        if self._then:
            self._play_next()
            return None
        self.stop_prompt()
        return prompt

    def stop_prompt(self) -> None:
        if self.prompt is not None:
            self.prompt = None
            self._then.clear()
            self._port.stop(PROMPT)
            self._remix()
