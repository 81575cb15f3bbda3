"""`Secrets`: what must not stand in a file that is handed on, and how it is taken out."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from resampler.address import split_user

HIDDEN = "***"
_SHORTEST = 4  # characters: a shorter word would be found everywhere
_NO_SECRETS = {"true", "false", "none", "null", "basic"}
_NAMES = re.compile(
    r"pass(word|wd|phrase)?|pwd|secret|token|credential|api[_-]?key|access[_-]?key|private|auth|dsn|webhook|salt|cookie",
    re.IGNORECASE,
)
# A scheme is short: without a bound, a long word would be looked through from each of its letters.
_URL = re.compile(r"(?P<scheme>[a-zA-Z][a-zA-Z0-9+.-]{0,30}://)(?P<rest>[^\s\"'<>\\]+)")
_HEADER = re.compile(r"(?i)(bearer|basic)\s+[a-z0-9+/=._~-]{8,}")


class Secrets:
    """Secrets that are known here: those of the environment, of URLs that were given, and of files that are named.

    Parameters
    ----------
    given : iterable of str
        URLs of the command line, and other words that may hold secrets.
    environment : mapping, optional
        By default the process's.

    Notes
    -----
    What cannot be known to be a secret is not found: a password in the middle of a sentence that stands in no variable,
    URL or key of a suspicious name.
    """

    def __init__(self, given: Iterable[str], environment: Mapping[str, str] | None = None) -> None:
        self._words: set[str] = set()
        for name, value in (os.environ if environment is None else environment).items():
            if _NAMES.search(name) or name.upper().endswith("KEY"):
                self.add(value)
            self.add_url(value)
        for value in given:
            self.add_url(value)

    def add(self, word: str) -> None:
        """Take a word for a secret.

        Parameters
        ----------
        word : str
            Short ones are passed over: they would be found everywhere.
        """
        for form in {word, word.strip(), unquote(word)}:
            if len(form) >= _SHORTEST and form.lower() not in _NO_SECRETS:
                self._words.add(form)

    def add_url(self, value: str) -> None:
        """Take what a URL says beside scheme, host, port and path for secrets.

        Parameters
        ----------
        value : str
            Any text; where it is no URL nothing is done.
        """
        if "://" not in value:
            return
        user, rest = split_user(value.partition("://")[2])
        name, colon, password = user.partition(":")
        query = rest.partition("?")[2].partition("#")[0]
        # A user without a password is a token, as in ``https://TOKEN@host``.
        for word in (password if colon else name, *(item.partition("=")[2] for item in query.split("&"))):
            self.add(word)

    def add_named(self, content: object) -> None:
        """Take for secrets what stands under suspicious names, and what is said to be kept in a variable or file.

        Parameters
        ----------
        content : object
            Of a configuration: tables, lists, words.
        """
        if isinstance(content, Mapping):
            for name, value in content.items():
                if isinstance(value, str) and _NAMES.search(str(name)):
                    self._add_from(value)
                self.add_named(value)
        elif isinstance(content, list):
            for value in content:
                self.add_named(value)
        elif isinstance(content, str):
            self.add_url(content)

    def _add_from(self, value: str) -> None:
        """Add a secret that is given itself, or as ``env:NAME``, ``file:PATH`` or either's name alone."""
        kind, _, where = value.partition(":")
        name = where if kind in ("env", "file") else value
        if found := os.environ.get(name):
            self.add(found)
        try:
            path = Path(name)
            if path.is_file() and path.stat().st_size < 1 << 16:
                self.add(path.read_text(encoding="utf-8", errors="replace").strip())
        except (OSError, ValueError):
            pass
        if kind not in ("env", "file") and name not in os.environ:
            self.add(value)

    def clean(self, text: str) -> str:
        """Take the secrets out of a text.

        Parameters
        ----------
        text : str
            Any.

        Returns
        -------
        str
            Without what is known to be secret, and with URLs cut to what may be shown.
        """
        for word in sorted(self._words, key=len, reverse=True):
            text = text.replace(word, HIDDEN)
        return _HEADER.sub(lambda found: f"{found[1]} {HIDDEN}", _URL.sub(_shown, text))

    def clean_tree(self, content: Any, name: str = "") -> Any:
        """Take the secrets out of JSON types.

        Parameters
        ----------
        content : object
            Tables, lists, words and numbers.
        name : str
            Under which it stands.

        Returns
        -------
        object
            The same with `***` for what stands under a suspicious name, and all words cleaned.
        """
        if isinstance(content, Mapping):
            return {self.clean(str(key)): self.clean_tree(value, str(key)) for key, value in content.items()}
        if isinstance(content, list | tuple):
            return [self.clean_tree(value, name) for value in content]
        if isinstance(content, str):
            # Where a secret is kept may be said: `env:NAME` is none itself.
            kept = _NAMES.search(name) and not content.startswith(("env:", "file:"))
            return HIDDEN if kept and content else self.clean(content)
        if content is None or isinstance(content, bool):
            return content
        if isinstance(content, int | float):
            secret = _NAMES.search(name) or self.clean(repr(content)) != repr(content)
            return HIDDEN if secret else content
        return self.clean(str(content))


def _shown(found: re.Match[str]) -> str:
    """Cut a URL to what may be shown; of one of HTTP that is the host: the path of a webhook is its secret."""
    scheme = found["scheme"]
    host, slash, path = split_user(found["rest"])[1].partition("/")
    if scheme.lower() in ("http://", "https://"):
        host = host.partition("?")[0]
        return f"{scheme}{host}{'/' + HIDDEN if path else slash}"
    shown, query, _ = f"{host}{slash}{path}".partition("?")
    return f"{scheme}{shown}{'?' + HIDDEN if query else ''}"
