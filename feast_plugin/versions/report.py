"""Draw the page of a version again, from its files alone."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from feast_plugin.versions.compare import Stored
from feast_plugin.versions.files.catalog import Catalog
from feast_plugin.versions.files.reading import groups_of
from feast_plugin.versions.files.stored import stored_rows
from feast_plugin.versions.inputs.split import SPLITS, TRAIN
from feast_plugin.versions.making.recipe import Recipe, keys_given
from feast_plugin.versions.page.draw import draw_page
from feast_plugin.versions.page.sample import Sample
from feast_plugin.versions.rebuild import draft_again, is_intact
from feast_plugin.versions.write import write_files
from resampler.errors import CorruptStateError, InvalidInputError
from resampler.profile.cells import Cells
from resampler.profile.profiler import Profiler
from resampler.storage import Location

if TYPE_CHECKING:
    from resampler.profile.profile import Profile
    from resampler.secret import SecretKey


def report_snapshot(
    *, name: str, root: str | Path, version: int | None = None, secret_key: SecretKey | str | None = None
) -> bytes:
    """Draw the page of a version.

    Parameters
    ----------
    name : str
        Of the snapshot.
    root : str or Path
        Where snapshots are kept.
    version : int, optional
        By default the newest.
    secret_key : SecretKey or str, optional
        The key that the version was made with, or where it is read from: needed where the version does not store its
        synthetic rows.

    Returns
    -------
    bytes
        HTML: of a version that this release made, the bytes that it stores. An earlier one is drawn as it would be
        now, and the page says what its manifest does not know.

    Raises
    ------
    InvalidInputError
        If the root cannot be used, or the name is none; or if synthetic rows that the version does not store cannot be
        made without the feature store, or without the secret key.
    DataError
        If there is no such version.
    CorruptStateError
        If a file of the version is missing or was changed.

    Notes
    -----
    Reads the version once. Synthetic rows that it does not store are made again, in a temporary directory.
    """
    catalog = Catalog.open(name, root)
    manifest = catalog.load(version)
    directory = catalog.directory(manifest.version)
    for file in [*manifest.stored, *([manifest.profile] if manifest.profile else [])]:
        if not is_intact(file, directory):
            raise CorruptStateError(
                f"{directory.uri}/{file.path} is missing or was changed: a page must say what was published; rebuild "
                "the version first"
            )
    if all(is_intact(file, directory) for file in manifest.rebuildable):
        stored = Stored(manifest, directory)
        profile, sample = _passed_over(stored)
        return draw_page(manifest, directory, profile, sample)
    recipe = Recipe.of(manifest, keys_given(secret_key))
    with tempfile.TemporaryDirectory(prefix="resampler-") as spool:
        contract, rows, assignment = stored_rows(manifest, directory, Path(spool))
        draft = draft_again(None, manifest, recipe, contract=contract, rows=rows, assignment=assignment)
        stage = Location.parse(Path(spool) / "files")
        _, profile, sample = write_files(draft, manifest.name, manifest.version, stage)
        return draw_page(manifest, stage, profile, sample)


def write_file(page: bytes, path: str | Path) -> Path:
    """Write a page to a file of this machine.

    Parameters
    ----------
    page : bytes
        From `report_snapshot`.
    path : str or Path
        Of the file.

    Returns
    -------
    Path
        The same.

    Raises
    ------
    InvalidInputError
        If it cannot be written there.
    """
    try:
        Path(path).write_bytes(page)
    except OSError as error:
        raise InvalidInputError(f"output {str(path)!r} cannot be written: {error}: name another file") from error
    return Path(path)


def _profiler(stored: Stored) -> Profiler:
    """Choose the cells of a version that has no counts, as they would have been chosen."""
    contract = stored.contract
    cells = {}
    for feature in contract.columns:
        values = stored.read(SPLITS[TRAIN], [feature.name])[feature.name]
        cells[feature.name] = Cells.fitted(values, categorical=feature.categorical)
    return Profiler(cells, contract.published_label, contract.published_synthetic)


def _passed_over(stored: Stored) -> tuple[Profile, Sample]:
    """Show the training file to a sample and, where there are no counts yet, to what counts."""
    contract, split = stored.contract, SPLITS[TRAIN]
    entry, counted = stored.manifest.splits[split], stored.profile
    profiler = _profiler(stored) if counted is None else None
    sample = Sample(
        entry.classes, [c.name for c in contract.columns], contract.published_label, contract.published_synthetic
    )
    for rows in groups_of(stored.directory, entry.files):
        sample.add(rows)
        if profiler is not None:
            profiler.add(split, rows)
    if counted is None:
        assert profiler is not None  # noqa: S101
        counted = profiler.profile()
    return counted, sample
