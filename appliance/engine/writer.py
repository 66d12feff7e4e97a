"""The engine's way to the store: one thread, short transactions, nothing dropped while the store is away.

`now` waits for its commit (an attempt before its dial, a disposition before its reply); `later` gathers what the next
transaction takes along. A piece of work that cannot be written is left out with a log line and never stops the others.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sqlalchemy.orm import Session

from appliance.errors import StoreError
from appliance.logs import get_logger
from appliance.store.db import Store

T = TypeVar("T")
Work = Callable[[Session], None]
_BATCH = 20
_RETRY_S = 0.5


class Writer:
    """Start with `start()` in the running loop; `close()` writes what is left."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store-writer")
        self._later: list[Work] = []
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._log = get_logger()
        self._away = False
        self._flushing = asyncio.Lock()

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="store-writer")

    async def close(self) -> None:
        """Write what is left (at most 5 s), then stop."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(5.0):
                await self.drain()
        if self._task is not None:
            self._task.cancel()
        self._thread.shutdown(wait=True)

    async def drain(self) -> None:
        """Return when everything given to `later` so far is committed."""
        done = asyncio.Event()
        loop = asyncio.get_running_loop()

        def committed(_session: Session) -> None:
            loop.call_soon_threadsafe(done.set)

        self.later(committed)
        await done.wait()

    def later(self, work: Work) -> None:
        """Write soon, in order."""
        self._later.append(work)
        self._wake.set()

    async def now(self, work: Callable[[Session], T]) -> T:
        """Write in a transaction of its own, after all that was given before; raises StoreError."""
        await self.flush()
        return await self._in_thread(lambda: self._one(work))

    async def read(self, query: Callable[[Session], T]) -> T:
        """Read in another thread; raises StoreError."""

        def run() -> T:
            with self._store.read() as session:
                return query(session)

        return await asyncio.to_thread(run)

    async def _in_thread(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)

    def _one(self, work: Callable[[Session], T]) -> T:
        with self._store.write() as session:
            return work(session)

    def _many(self, batch: list[Work]) -> None:
        with self._store.write() as session:
            for work in batch:
                work(session)

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._later:
                try:
                    await self.flush()
                except StoreError as error:
                    if not self._away:
                        self._log.error("store away, writing later", error_id=error.error_id, message=error.message)
                    self._away = True
                    await asyncio.sleep(_RETRY_S)
                else:
                    if self._away:
                        self._log.info("store back")
                    self._away = False

    async def flush(self) -> None:
        """Write all that waits; raises StoreError and keeps what is not written."""
        async with self._flushing:
            await self._flush()

    async def _flush(self) -> None:
        while self._later:
            batch = self._later[:_BATCH]
            del self._later[: len(batch)]
            try:
                await self._in_thread(lambda batch=batch: self._many(batch))  # type: ignore[misc]
            except StoreError:
                self._later[:0] = batch
                raise
            except Exception:  # noqa: BLE001 - found out one by one which work it is
                await self._each(batch)

    async def _each(self, batch: list[Work]) -> None:
        for position, work in enumerate(batch):
            try:
                await self._in_thread(lambda work=work: self._one(work))  # type: ignore[misc]
            except StoreError:
                self._later[:0] = batch[position:]
                raise
            except Exception:  # noqa: BLE001 - one bad row must not stop the room
                self._log.exception("not written")
