"""`Publication`: all that is said of a published version, from which events, runs and answers are made."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

from resampler.errors import CorruptStateError, InvalidInputError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from resampler.storage import Location

GROUP = "resampler.publications"  # entry points: functions of a reference and a place that return a Published
VIEW, SERVICE, FILE = "feature view", "feature service", "file"


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """A published version in plain data: nothing of single rows, and no secret.

    Parameters
    ----------
    name : str
        Of the snapshot.
    version : int
        Of the version.
    digest : str
        The sha256 of its rows and of what they were made by.
    created : str
        ISO 8601, UTC.
    uri : str
        Of its directory, without credentials.
    datasets : dict of str to str
        By split, the name under which a registry lists it: ``fraud_v0003_train``.
    paths : dict of str to str
        By split, the path of its rows within the directory.
    inputs : list of dict
        ``kind`` (`VIEW`, `SERVICE`, `FILE`) and ``name`` of what its rows were read from.
    columns : dict of str to str
        Name and dtype of what a reader finds in it.
    label : str
        The column of the class.
    keys : list of str
        Join keys.
    seed : int
        Keys its draws; published, so no secret.
    ratio, reached : float
        Minority : majority in the training split, as asked for and as stored.
    method : str
        Of the catalogue of methods.
    parameters : dict
        The others that decide what is in the rows.
    counts : dict of str to dict
        By split: ``rows``, ``real``, ``synthetic``, and ``classes``.
    findings : list of dict
        ``name``, ``level``, ``label`` and whether they were ``allowed``: no figure and no value.
    quality : dict of str to float
        Figures that the checks measured of a class: ``detectability.fraud``.
    privacy : str
        Whose rows its synthetic rows tell of: ``as its parents``, ``keyed`` draws, ``hardened``, or a ``release``.
    secret_key : str or None
        Fingerprint of the key that was mixed into its draws.
    contract : str
        Hash of the features' contract.
    references : list of str
        Of its features.
    project, feature_service : str or None
        Of Feast; None where rows are from a table.
    page : str or None
        Path of the page for people within the directory.
    bytes : dict of str to int
        By split, size of its file.
    cost : dict of str to float
        Seconds and the like that making it took.
    """

    name: str
    version: int
    digest: str
    created: str
    uri: str
    datasets: dict[str, str]
    paths: dict[str, str]
    inputs: list[dict[str, str]]
    columns: dict[str, str]
    label: str
    keys: list[str]
    seed: int
    ratio: float
    reached: float
    method: str
    parameters: dict[str, Any]
    counts: dict[str, dict[str, Any]]
    findings: list[dict[str, Any]]
    quality: dict[str, float]
    privacy: str
    secret_key: str | None
    contract: str
    references: list[str]
    project: str | None = None
    feature_service: str | None = None
    page: str | None = None
    bytes: dict[str, int] = field(default_factory=dict)
    cost: dict[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.name} version {self.version}"

    def to_dict(self) -> dict[str, Any]:
        """Return the fields.

        Returns
        -------
        dict
            As JSON holds them.
        """
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Publication:
        """Read what `to_dict` returned.

        Parameters
        ----------
        data : mapping
            The fields.

        Returns
        -------
        Publication
            Equal to the one that was written.

        Raises
        ------
        CorruptStateError
            If it has other fields.
        """
        try:
            return cls(**data)
        except TypeError as error:
            raise CorruptStateError(f"a publication of another release, or none: {error}") from error


@dataclass(frozen=True, slots=True)
class Published:
    """A version and where it stands now.

    Parameters
    ----------
    publication : Publication
        What is said of it.
    home : Location
        Directory of the snapshot.
    aliases : tuple of str
        That point to it now.
    uses : tuple of str or None
        What else says that it is in use; None where that was not asked, for it takes a feature store to say it.
    """

    publication: Publication
    home: Location
    aliases: tuple[str, ...]
    uses: tuple[str, ...] | None


def open_publication(reference: str, *, uses: bool = False, **place: str | None) -> Published:
    """Read what is said of a version.

    Parameters
    ----------
    reference : str
        ``NAME`` for the newest version, ``NAME:3`` for that version, ``NAME:prod`` for what an alias points to, and
        ``NAME@DIGEST`` for the version whose digest begins so.
    uses : bool
        Whether to ask a registry that is slow to open, too.
    **place : str or None
        ``repo``, ``catalog`` or ``root``: where versions are kept, as `resampler snapshot` says it.

    Returns
    -------
    Published
        By its files; of a plain directory with what uses it.

    Raises
    ------
    InvalidInputError
        If the reference is none, or no place is given.
    DataError
        If there is no such version.
    CorruptStateError
        If its manifest was changed.
    MissingExtraError
        If what keeps versions is not installed.
    """
    name, at, digest = reference.partition("@")
    name, colon, which = name.partition(":")
    if not name or (colon and not which) or (at and (colon or not digest)):
        raise InvalidInputError(f"a version is named NAME, NAME:3, NAME:prod or NAME@DIGEST, got {reference!r}")
    for point in entry_points(group=GROUP):
        try:
            found: Published = point.load()(name, which or None, digest or None, uses=uses, **place)
        except ModuleNotFoundError as error:
            raise MissingExtraError(
                f"versions of snapshots need {error.name}: pip install 'feast-resampler[snapshot]'"
            ) from error
        return found
    raise MissingExtraError("versions of snapshots need pip install 'feast-resampler[snapshot]'")
