"""`Policy`: what is asked of versions, models and runs, from one file of TOML or YAML, a table a step."""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from resampler.address import without_secrets
from resampler.errors import InvalidInputError, MissingExtraError
from resampler.options import options_of
from resampler.storage import Location

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

TABLES = {
    "alias": "which alias a version that passes is given",
    "drift": "how far rows may move before a model is trained again",
    "gate": "what predictions must reach",
    "privacy": "how far attacks on synthetic rows may come",
    "retrain": "the loop around the others",
    "snapshot": "how the next version is made",
    "train": "the command that trains a model",
}
_MOST_BYTES = 1_000_000
_MOST_VALUES = 10_000  # a few lines of YAML can stand for billions of values
_MOST_DEPTH = 8

_Record = TypeVar("_Record")


@dataclass(frozen=True, slots=True)
class Policy:
    """Tables of settings, each checked by the step that it is for.

    Parameters
    ----------
    source : str
        Where it was read, as messages name it.
    tables : mapping of str to mapping of str to object
        Settings by table.
    digest : str
        The sha256 of the file; empty where there is none.
    """

    source: str
    tables: Mapping[str, Mapping[str, Any]]
    digest: str = ""

    def table(self, name: str) -> dict[str, Any]:
        """Take one table.

        Parameters
        ----------
        name : str
            Of `TABLES`.

        Returns
        -------
        dict of str to object
            A copy; empty where the file has none of the name.
        """
        return dict(self.tables.get(name, {}))

    def record(self, name: str, record: type[_Record]) -> _Record:
        """Make a record of options of one table.

        Parameters
        ----------
        name : str
            Of the table.
        record : type
            A dataclass whose fields `resampler.options.option` declares, and which checks them.

        Returns
        -------
        object
            The record; its defaults stand where the table says nothing.

        Raises
        ------
        InvalidInputError
            If a name is unknown or a value breaks its rule.
        """
        return record_of(f"[{name}] of {self.source}", self.table(name), record)


def record_of(where: str, table: Mapping[str, Any], record: type[_Record]) -> _Record:
    """Make a record of options of a table.

    Parameters
    ----------
    where : str
        What messages call the table.
    table : mapping of str to object
        Values by name; ``min-rows`` and ``min_rows`` are the same.
    record : type
        A dataclass whose fields `resampler.options.option` declares, and which checks them.

    Returns
    -------
    object
        The record.

    Raises
    ------
    InvalidInputError
        If a name is unknown or a value breaks its rule.
    """
    known = [one.name for one in options_of(record)]
    values = {name.replace("-", "_"): value for name, value in table.items()}
    for name in table:
        if name.replace("-", "_") not in known:
            raise InvalidInputError(f"{where} has no setting {name!r}: it has {', '.join(known)}")
    if len(values) < len(table):
        raise InvalidInputError(f"{where} has a setting twice, with a hyphen and with an underscore: remove one")
    try:
        return record(**{name: tuple(value) if isinstance(value, list) else value for name, value in values.items()})
    except InvalidInputError as error:
        raise type(error)(f"{where}: {error}") from error


def read_policy(path: str | Path) -> Policy:
    """Read a policy.

    Parameters
    ----------
    path : str or Path
        Of a file that ends in ``.toml``, ``.yaml`` or ``.yml``: a path or a URI.

    Returns
    -------
    Policy
        Its tables, which are known by name; what stands in them is checked by the steps that they are for.

    Raises
    ------
    InvalidInputError
        If the file cannot be read, is neither, or has a table that no step knows.
    MissingExtraError
        If PyYAML is missing.
    """
    source = f"policy {without_secrets(str(path))!r}"
    suffix = str(path).partition("?")[0].rpartition(".")[2].lower()
    parse = {"toml": _parse_toml, "yaml": _parse_yaml, "yml": _parse_yaml}.get(suffix)
    if parse is None:
        raise InvalidInputError(f"{source} must end in .toml, .yaml or .yml, so that it is known how to read it")
    try:
        data = Location.parse(path).read(_MOST_BYTES + 1)
    except FileNotFoundError as error:
        raise InvalidInputError(f"{source} cannot be read: there is no such file") from error
    except OSError as error:
        raise InvalidInputError(f"{source} cannot be read: {error.strerror or error}") from error
    if len(data) > _MOST_BYTES:
        raise InvalidInputError(f"{source} must have at most {_MOST_BYTES:,} bytes: that is no policy")
    try:
        content = parse(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:  # neither UTF-8 nor the format
        raise InvalidInputError(f"{source} is not {suffix.upper()}: {' '.join(str(error).split())}") from error
    return Policy(source, _checked(content, source), hashlib.sha256(data).hexdigest())


def policy_of(tables: Mapping[str, Mapping[str, Any]], source: str = "the policy") -> Policy:
    """Make a policy of tables at hand.

    Parameters
    ----------
    tables : mapping of str to mapping of str to object
        Settings by table.
    source : str
        What messages call it.

    Returns
    -------
    Policy
        Of these.

    Raises
    ------
    InvalidInputError
        If there is a table that no step knows, or a value that no file could hold.
    """
    return Policy(source, _checked(tables, source))


def _parse_toml(text: str) -> Any:
    return tomllib.loads(text)


def _parse_yaml(text: str) -> Any:
    try:
        import yaml
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            "a policy of YAML needs PyYAML: pip install 'feast-resampler[yaml]', or write it in TOML"
        ) from error

    class _Loader(yaml.SafeLoader):  # type: ignore[misc]
        """Refuses what YAML lets pass: a name twice, of which the last would count, and merges without end."""

        def __init__(self, stream: str) -> None:
            super().__init__(stream)
            self._seen: set[int] = set()

        def flatten_mapping(self, node: Any) -> None:
            if id(node) not in self._seen:  # a merge repeats names by right
                self._seen.add(id(node))
                names = [name.value for name, _ in node.value if isinstance(name, yaml.ScalarNode)]
                if twice := sorted({name for name in names if names.count(name) > 1}):
                    raise ValueError(f"{twice[0]!r} stands twice{node.start_mark}: remove one")
            super().flatten_mapping(node)
            if len(node.value) > _MOST_VALUES:
                raise ValueError(f"a table has more than {_MOST_VALUES:,} values")

    try:
        return yaml.load(text, _Loader)  # noqa: S506 - a safe loader, and stricter
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error


def _checked(content: Any, source: str) -> dict[str, dict[str, Any]]:
    content = {} if content is None else content  # an empty file of YAML
    _check_size(content, source)
    if not hasattr(content, "items"):
        raise InvalidInputError(f"{source} must be tables, such as [gate], got {type(content).__name__}")
    for name, table in content.items():
        if name not in TABLES:
            raise InvalidInputError(f"{source} has a table [{name}] that nothing reads: known are {', '.join(TABLES)}")
        if not hasattr(table, "items"):
            raise InvalidInputError(f"{source}: [{name}] must be a table of settings, got {table!r}")
    return {name: dict(table) for name, table in content.items()}


def _check_size(content: Any, source: str) -> None:
    level, seen = [content], 0
    for _ in range(_MOST_DEPTH):
        inner: list[Any] = []
        for value in level:
            if hasattr(value, "items"):
                for key, of in value.items():
                    if not isinstance(key, str):
                        raise InvalidInputError(f"{source}: a name must be text, got {key!r}: put it in quotes")
                    if of is None:  # of YAML: a limit without its number would be none
                        raise InvalidInputError(f"{source}: {key!r} has no value: write one, or remove it")
                inner.extend(value.values())
            elif isinstance(value, list | tuple):
                inner.extend(value)
            if len(inner) > _MOST_VALUES:
                break
        seen += len(inner)
        if seen > _MOST_VALUES:
            raise InvalidInputError(f"{source} must have at most {_MOST_VALUES:,} values: that is no policy")
        level = inner
    if level:
        raise InvalidInputError(f"{source} must be at most {_MOST_DEPTH} tables deep")
