"""What the loop reads of a policy: where versions are, how a model is trained, which alias is moved."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resampler.errors import InvalidInputError, MissingExtraError
from resampler.options import FLAG, Rule, check_options, count, number, option, text
from resampler.policy import read_policy
from resampler.quality.drift.settings import DriftPolicy
from resampler.quality.gate.rules import GateRules
from resampler.runs.webhook import check_url
from resampler.secret import check_reference
from resampler.storage import Location, check_alias, check_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    import click

    from resampler.policy import Policy

_REFERENCE = "--secret-key"  # of `resampler snapshot create`: plans and journals show what a policy says
PLACES = ("repo", "catalog", "root")
SOURCES = ("against", "stream", "feast")
_OF_DRIFT = ("url", "windows", "entity_df", "webhook", "emit")
MADE = ("predictions", "train_predictions", "baseline_predictions")  # what training leaves for the gate
PLACEHOLDERS = {
    "snapshot": "name of the snapshot",
    "version": "number of the new version",
    "digest": "its digest, by which MLflow knows it",
    "train_path": "its training split, a Parquet file",
    "validation_path": "its validation split",
    "test_path": "its test split",
    "label": "column of the class",
    "synthetic": "column that says which rows are synthetic",
    "output": "directory for what training makes",
    "predictions": "where predictions of the validation split are to be",
    "train_predictions": "where those of the training split may be",
    "baseline_predictions": "where the champion's of the validation split may be",
    "alias": "name of the alias",
    "champion": "`output` of the version that the alias points to; empty where there is none",
    "python": "the interpreter that the loop runs in",
    "key": "first digits of the digest of all that training is given",
}
_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")


def _check_command(name: str, value: Any) -> tuple[str, ...]:
    try:
        words = tuple(shlex.split(value)) if isinstance(value, str) else tuple(value)
    except (TypeError, ValueError) as error:
        raise InvalidInputError(
            f"{name} must be a list of words, or one line of them, got {value!r}: {error}"
        ) from error
    if not words or not all(isinstance(word, str) and word for word in words):
        raise InvalidInputError(f"{name} must be a list of words, or one line of them, got {value!r}")
    return words


def _check_texts(name: str, value: Any) -> tuple[str, ...]:
    texts = (value,) if isinstance(value, str) else value
    if not isinstance(texts, tuple | list) or not all(isinstance(text, str) and text for text in texts):
        raise InvalidInputError(f"{name} must be a list of paths, got {value!r}")
    return tuple(texts)


ALIAS = Rule(str, lambda _, value: check_alias(value), "a name")
WORDS = Rule(str, _check_command, "a list of words, or one line")
PATHS = Rule(str, _check_texts, "a list of paths")
TEXT = text("text")
SECONDS = number(0, float("inf"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Train:
    """How a model is trained.

    Parameters
    ----------
    command, inputs, timeout_s, output, predictions, train_predictions, baseline_predictions
        As `resampler.options.options_of` lists them.

    Raises
    ------
    InvalidInputError
        If one of them breaks its rule.
    """

    command: tuple[str, ...] = option((), WORDS, "What trains a model and writes its predictions; no shell reads it.")
    inputs: tuple[str, ...] = option(
        (),
        PATHS,
        "Files and directories it depends on, beside those that it names: where one changes, training runs again.",
    )
    timeout_s: float | None = option(None, SECONDS, "Seconds that it may take.")
    output: str = option("runs/{snapshot}-v{version}-{key}", TEXT, "Directory for what it makes.")
    predictions: str = option(
        "{output}/predictions.parquet", TEXT, "Where it writes predictions of the validation split, for the gate."
    )
    train_predictions: str = option(
        "{output}/train-predictions.parquet", TEXT, "Where it may write those of the training split."
    )
    baseline_predictions: str = option(
        "{output}/baseline.parquet", TEXT, "Where it may write the champion's of the validation split."
    )

    def __post_init__(self) -> None:
        check_options(self)
        if not self.command:
            raise InvalidInputError('command must say what trains a model, such as ["{python}", "train.py"]')
        for words in (self.command, (self.output, self.predictions, self.train_predictions, self.baseline_predictions)):
            for word in words:
                filled(word, dict.fromkeys(PLACEHOLDERS, "x"))
        if "{key}" not in self.output or "://" in self.output:
            raise InvalidInputError(
                f"output must be a directory of this machine with {{key}} in its name, so that no two models "
                f"share one, got {self.output!r}"
            )
        for name in MADE:
            if "{output}" not in (path := getattr(self, name)):
                raise InvalidInputError(
                    f"{name} must be in {{output}}, for a file that is there before training is removed, got {path!r}"
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Which alias follows the versions that pass.

    Parameters
    ----------
    name
        As `resampler.options.options_of` lists it.
    """

    name: str = option("prod", ALIAS, "It points to a version only after the gate has passed its model.")

    def __post_init__(self) -> None:
        check_options(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What the loop itself does.

    Parameters
    ----------
    against, stream, feast, url, windows, entity_df, webhook, emit, strict, wait_s
        As `resampler.options.options_of` lists them.

    Raises
    ------
    InvalidInputError
        If one of them breaks its rule, or rows come from two places.
    """

    against: str | None = option(None, TEXT, "File of the rows of today, whose drift decides whether to go on ...")
    stream: str | None = option(None, TEXT, "... or a stream whose workers count them ...")
    feast: str | None = option(None, TEXT, "... or a feature service. Without one of them the loop always goes on.")
    url: str | None = option(None, TEXT, "Redis of `stream` and `emit`.")
    windows: int | None = option(None, count(1), "Newest windows of `stream`.")
    entity_df: str | None = option(None, TEXT, "Entities and times that `feast` is asked for.")
    webhook: str | None = option(None, TEXT, "Where drift posts its decision.")
    emit: str | None = option(None, TEXT, "Redis stream that drift writes its decision to.")
    strict: bool = option(False, FLAG, "Too few rows to tell is a no of the gate.")
    wait_s: float = option(0.0, SECONDS, "Seconds to wait for another run of the same snapshot, before this one fails.")

    def __post_init__(self) -> None:
        check_options(self)
        if len(given := [name for name in SOURCES if getattr(self, name) is not None]) > 1:
            raise InvalidInputError(f"give one of {', '.join(given)}: rows of today come from one place")
        if self.webhook is not None:
            check_url(self.webhook)

    @property
    def rows(self) -> str | None:
        """What names the rows of today; None: nothing does."""
        return next((value for name in SOURCES if (value := getattr(self, name)) is not None), None)

    @property
    def words(self) -> list[str]:
        """Options of `resampler drift`."""
        given = {name: getattr(self, name) for name in (*SOURCES, *_OF_DRIFT)}
        return [
            word
            for name, value in given.items()
            if value is not None
            for word in (f"--{name.replace('_', '-')}", str(value))
        ]


@dataclass(frozen=True, slots=True)
class Settings:
    """One policy, as the loop reads it.

    Parameters
    ----------
    policy : Policy
        All of it.
    path : str
        Of its file, absolute; or a URI.
    base : Path
        Directory that paths in it are relative to, and that commands run in: the policy's own; that of this process
        where the policy is a URI.
    name : str
        Of the snapshot.
    place : mapping of str to str
        Where its versions are: `PLACES` that were given, absolute.
    create : tuple of str
        Options of `resampler snapshot create`, beside these.
    train : Train
        How a model is trained.
    alias : str
        Which alias is moved.
    around : Around
        What the loop itself does.
    """

    policy: Policy
    path: str
    base: Path
    name: str
    place: Mapping[str, str]
    create: tuple[str, ...]
    train: Train
    alias: str
    around: Around

    @classmethod
    def read(cls, path: str) -> Settings:
        """Read a policy and check what the loop needs of it.

        Parameters
        ----------
        path : str
            Path or URI.

        Returns
        -------
        Settings
            Of it.

        Raises
        ------
        InvalidInputError
            If it is no policy, or a table that the loop reads breaks a rule.
        MissingExtraError
            If versions of snapshots need what is not installed.
        """
        policy = read_policy(path)
        remote = "://" in path
        base = Path.cwd() if remote else Path(path).expanduser().resolve().parent
        table = policy.table("snapshot")
        where = f"[snapshot] of {policy.source}"
        if "name" not in table:
            raise InvalidInputError(f"{where} needs a name, that of the snapshot")
        name = check_name(table.pop("name"))
        place = {one: _absolute(base, one, table.pop(one), where) for one in PLACES if one in table}
        if not place or {"repo", "catalog"} <= place.keys():
            raise InvalidInputError(
                f"{where} needs a repo or a catalog, one of them: where versions are registered, as `resampler "
                "snapshot create` takes them"
            )
        if "command" not in policy.table("train"):
            raise InvalidInputError(
                f'[train] of {policy.source} needs a command: what trains a model, such as ["{{python}}", "train.py"]'
            )
        GateRules.of(policy)  # what a later step would refuse is refused before hours of training
        policy.record("drift", DriftPolicy)
        train = policy.record("train", Train)
        for one in train.inputs:
            if not (base / one).exists():
                raise InvalidInputError(
                    f"[train] inputs of {policy.source}: {str(base / one)!r} is not there: name files and directories"
                )
        return cls(
            policy,
            path if remote else str(Path(path).expanduser().resolve()),
            base,
            name,
            place,
            tuple(_words(table, where)),
            train,
            policy.record("alias", Target).name,
            policy.record("retrain", Around),
        )

    @property
    def home(self) -> Location:
        """Directory of the snapshot; there may be no version yet."""
        if (root := self.place.get("root") or self.place.get("catalog")) is not None:
            return Location.parse(root) / self.name
        return Location.of_root(None, self.place["repo"]) / self.name

    @property
    def where(self) -> list[str]:
        """The options that say where versions are."""
        return [word for option_, value in self.place.items() for word in (f"--{option_}", value)]

    def words(self, step: str, version: object = "{version}", predictions: str = "") -> list[str]:
        """Write the command of ours that takes a step, as a run gives it and a plan shows it.

        Parameters
        ----------
        step : {"drift", "snapshot", "gate", "alias"}
            Which.
        version : object
            Number of the new version, once it is known.
        predictions : str
            Where predictions of the validation split are; by default as the policy says it.

        Returns
        -------
        list of str
            Its words behind ``resampler``.
        """
        policy = ["--policy", self.path]
        if step == "drift":
            return [step, "--snapshot", f"{self.name}:{self.alias}", *self.where, *self.around.words, *policy]
        if step == "snapshot":
            # A budget would stop every run at the same part, if none went on with the one before.
            resume = ["--resume", "latest"] if "--max-seconds" in self.create and "--resume" not in self.create else []
            return [step, "create", "--name", self.name, *self.where, *self.create, *resume]
        if step == "gate":
            strict = ["--strict"] if self.around.strict else []
            given = predictions or self.train.predictions
            return [step, given, *policy, "--snapshot", f"{self.name}:{version}", *self.where, *strict]
        return ["snapshot", "alias", self.name, self.alias, str(version), *self.where]


def filled(text: str, values: Mapping[str, str]) -> str:
    """Put values in the place of names in braces.

    Parameters
    ----------
    text : str
        ``{output}/model.bin``; other braces are left as they are.
    values : mapping of str to str
        By name; those that are empty are not known.

    Returns
    -------
    str
        With the values.

    Raises
    ------
    InvalidInputError
        If a name is none of them.
    """

    def _value(found: re.Match[str]) -> str:
        if found[1] not in values:
            raise InvalidInputError(f"{{{found[1]}}} in {text!r} is no placeholder: have {', '.join(sorted(values))}")
        return values[found[1]]

    return _PLACEHOLDER.sub(_value, text)


def _absolute(base: Path, name: str, value: Any, where: str) -> str:
    if not isinstance(value, str) or not value:
        raise InvalidInputError(f"{where}: {name} must be a directory or a URI, got {value!r}")
    return value if "://" in value else str((base / Path(value).expanduser()).resolve())


def _words(table: Mapping[str, Any], where: str) -> list[str]:
    """Write a table as options of `resampler snapshot create`."""
    options = _options_of_create()
    found = []
    for name, value in table.items():
        flag = f"--{name.replace('_', '-')}"
        if flag not in options or flag == "--json":
            known = sorted(word.removeprefix("--").replace("-", "_") for word in options if word != "--json")
            raise InvalidInputError(f"{where} has no setting {name!r}: it has {', '.join(known)}")
        param = options[flag]
        if flag == _REFERENCE:
            check_reference(value, f"{where}: {name}")
        if getattr(param, "is_flag", False):
            if not isinstance(value, bool):
                raise InvalidInputError(f"{where}: {name} must be true or false, got {value!r}")
            found += [flag] if value else []
        elif getattr(param, "multiple", False):
            values = value if isinstance(value, list | tuple) else [value]
            found += [word for one in values for word in (flag, _word(one, name, where))]
        else:
            values = value if isinstance(value, list | tuple) else [value]
            found += [flag, ",".join(_word(one, name, where) for one in values)]
    return found


def _word(value: Any, name: str, where: str) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise InvalidInputError(f"{where}: {name} must be a number, text or a list of these, got {value!r}")
    return str(value)


def _options_of_create() -> dict[str, click.Parameter]:
    for point in entry_points(group="resampler.commands", name="snapshot"):
        try:
            create = point.load().commands["create"]
        except ModuleNotFoundError:
            break
        return {word: param for param in create.params for word in param.opts if not getattr(param, "hidden", False)}
    raise MissingExtraError("versions of snapshots need pip install 'feast-resampler[snapshot]'")
