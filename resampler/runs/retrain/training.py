"""The user's own step: what its command is given, what decides its result, and what it must leave."""

from __future__ import annotations

import hashlib
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resampler.errors import InvalidInputError
from resampler.ledger import key_of
from resampler.runs.retrain.settings import MADE, filled
from resampler.training_set import TEST, TRAIN, VALIDATION

if TYPE_CHECKING:
    from collections.abc import Iterator

    from resampler.runs.retrain.settings import Settings
    from resampler.training_set import TrainingSet

_KEY_DIGITS = 8


@dataclass(frozen=True, slots=True)
class Training:
    """A training command of one version, all open ends closed.

    Parameters
    ----------
    key : str
        The sha256 of all that it is given.
    words : tuple of str
        The command.
    values : dict of str to str
        By placeholder.
    """

    key: str
    words: tuple[str, ...]
    values: dict[str, str]

    @classmethod
    def of(cls, settings: Settings, version: TrainingSet, champion: str) -> Training:
        """Close the open ends of a policy's command.

        Parameters
        ----------
        settings : Settings
            Whose command.
        version : TrainingSet
            That a model is to be trained on.
        champion : str
            Output directory of the version that the alias points to; empty where there is none.

        Returns
        -------
        Training
            Its command.

        Raises
        ------
        InvalidInputError
            If it names a split that the version does not store.
        """
        train = settings.train
        key = key_of(
            version=version.digest,
            command=train.command,
            files=dict(_digests(settings)),
            places=[getattr(train, name) for name in ("output", *MADE)],
            champion=champion,
        )
        values = {
            "snapshot": version.name,
            "version": str(version.version),
            "digest": version.digest,
            "alias": settings.alias,
            "label": version.label,
            "synthetic": version.synthetic,
            "champion": champion,
            "python": sys.executable,
            "key": key[:_KEY_DIGITS],
        }
        for split in (TRAIN, VALIDATION, TEST):
            values[f"{split}_path"] = version.uri_of(split) if split in version.files else ""
        values["output"] = str(settings.base / filled(train.output, values))
        values |= {name: str(settings.base / filled(getattr(train, name), values)) for name in MADE}
        for word in train.command:
            for split in (TRAIN, VALIDATION, TEST):
                if f"{{{split}_path}}" in word and not values[f"{split}_path"]:
                    raise InvalidInputError(
                        f"[train] command of {settings.policy.source} names {{{split}_path}}, and {version} stores no "
                        f"{split} split: make one that has it, or read it otherwise"
                    )
        return cls(key, tuple(filled(word, values) for word in train.command), values)

    @property
    def environment(self) -> dict[str, str]:
        """What the command finds in its environment: ``RESAMPLER_OUTPUT`` and so on."""
        return {f"RESAMPLER_{name.upper()}": value for name, value in self.values.items()}

    def clear(self) -> None:
        """Make the directory, and remove predictions of a run that was cut short."""
        Path(self.values["output"]).mkdir(parents=True, exist_ok=True)
        for name in MADE:
            path = Path(self.values[name])
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True)

    def made(self) -> dict[str, dict[str, str]]:
        """Find the predictions that the command left.

        Returns
        -------
        dict of str to dict
            By name, those of `MADE` that are there: ``path`` and ``sha256``.
        """
        paths = {name: Path(self.values[name]) for name in MADE}
        return {name: {"path": str(path), "sha256": _sha256(path)} for name, path in paths.items() if path.is_file()}

    def is_made(self, before: dict[str, Any]) -> bool:
        """Say whether all is still there that an earlier run of the same key made.

        Parameters
        ----------
        before : dict
            What `made` returned then.

        Returns
        -------
        bool
            Bytes and all.
        """
        return "predictions" in before and self.made() == before


def _digests(settings: Settings) -> Iterator[tuple[str, str]]:
    """Hash the files that a command names and lie below the policy, and its inputs: a change of code is a change."""
    for word in settings.train.command:
        path = settings.base / word
        if "{" not in word and path.is_file() and path.resolve().is_relative_to(settings.base):
            yield word, _sha256(path)
    for name in settings.train.inputs:
        path = settings.base / name
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file() and "__pycache__" not in file.parts:
                yield (
                    str(file.relative_to(settings.base) if file.is_relative_to(settings.base) else file),
                    _sha256(file),
                )


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
