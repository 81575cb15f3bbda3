"""Windows of maintenance of a stream, on its server: what the entry point `resampler.maintenance` names."""

from __future__ import annotations

import json
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

import redis

from resampler.errors import CorruptStateError
from resampler.monitoring.window import Window
from resampler.process_title import conceal
from stream.redis.connection import connect, redact, resolve_url
from stream.redis.errors import explain, wrong_type_error
from stream.redis.keys import maintenance_key

if TYPE_CHECKING:
    from collections.abc import Iterator


class StreamWindows:
    """Windows of a stream: one key, which the server drops when the window ends.

    Parameters
    ----------
    stream : str
        Name of the stream.
    url : str or None
        Of its server; None: the environment's.

    Raises
    ------
    InvalidInputError
        If there is no URL.
    """

    def __init__(self, stream: str, url: str | None) -> None:
        self.dataset = stream
        self._key, self._url = maintenance_key(stream), resolve_url(url)

    def declare(self, window: Window) -> None:
        """Keep a window, in place of one that is open.

        Parameters
        ----------
        window : Window
            From now on; it lasts as long by the server's clock.

        Raises
        ------
        ResamplerError
            If the key holds something else, or the server does not answer or refuses.
        """
        lasts = datetime.fromisoformat(window.until) - datetime.fromisoformat(window.since)
        with self._client() as client:
            self._read(client)
            client.set(self._key, json.dumps(window._asdict(), sort_keys=True), px=lasts)

    def end(self, who: str, at: float) -> Window | None:  # noqa: ARG002 - a stream keeps no record of windows
        """End the window that is open.

        Parameters
        ----------
        who : str
            Who ends it; not kept.
        at : float
            Not used: the server says whether it is open.

        Returns
        -------
        Window or None
            The one that was ended; None where none was open.

        Raises
        ------
        ResamplerError
            As `declare`.
        """
        with self._client() as client:
            window = self._read(client)
            client.delete(self._key)
        return window

    def current(self, at: float) -> Window | None:  # noqa: ARG002
        """Find the window that is open.

        Parameters
        ----------
        at : float
            Not used: the server says whether it is open.

        Returns
        -------
        Window or None
            None where none is.

        Raises
        ------
        ResamplerError
            As `declare`.
        """
        with self._client() as client:
            return self._read(client)

    @contextmanager
    def _client(self) -> Iterator[redis.Redis]:
        try:
            with connect(self._url, self._key) as client:
                yield client
        except redis.RedisError as error:
            raise explain(error, self._url, keys=(self._key,)) from error

    def _read(self, client: redis.Redis) -> Window | None:
        kind: bytes = client.type(self._key)  # type: ignore[assignment]
        if kind not in (b"string", b"none"):
            raise wrong_type_error(self._key, kind.decode(), "string")
        text: bytes | None = client.get(self._key)  # type: ignore[assignment]
        if text is None:
            return None
        try:
            return Window(**json.loads(text))
        except (TypeError, ValueError) as error:
            raise CorruptStateError(
                f"key {self._key!r} holds no window of maintenance, something else wrote it: delete it"
            ) from error


def windows_of(stream: str, url: str | None) -> StreamWindows:
    """Find the windows of a stream for a command, whose URL `ps` must not show.

    Parameters
    ----------
    stream : str
        Name of the stream.
    url : str or None
        As it was typed; None: the environment's.

    Returns
    -------
    StreamWindows
        On its server.

    Raises
    ------
    InvalidInputError
        If there is no URL.
    """
    return StreamWindows(stream, server_of(url))


def server_of(url: str | None) -> str:
    """Choose the server that a command was given, whose URL `ps` must not show.

    Parameters
    ----------
    url : str or None
        As it was typed; None: the environment's.

    Returns
    -------
    str
        Its URL.

    Raises
    ------
    InvalidInputError
        If there is none.
    """
    if url is not None and redact(url) != url:
        conceal(url, redact(url))
    return resolve_url(url)
