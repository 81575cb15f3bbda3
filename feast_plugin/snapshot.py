"""`create_snapshot`: make a version, of a feature store's rows or of a table's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from feast_plugin.registries import registry_of
from feast_plugin.versions.create import check, create
from feast_plugin.versions.inputs.budget import SnapshotBudget
from feast_plugin.versions.inputs.request import Request
from feast_plugin.versions.inputs.split import SplitRule
from feast_plugin.versions.making.audited import AuditSample
from feast_plugin.versions.making.gate import Gate
from feast_plugin.versions.making.recipe import Recipe
from resampler.engines.settings import EngineSettings
from resampler.options import options_of
from resampler.secret import SecretKey

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    import pandas as pd
    import pyarrow as pa
    from feast import FeatureService, FeatureStore

    from feast_plugin.versions.publish import Snapshot
    from feast_plugin.versions.registry import Registry
    from resampler.grids import Grids
    from resampler.methods.parameters import Missing, NoDanger
    from resampler.quality.finding import Finding
    from resampler.relations import Relations


def create_snapshot(
    store: FeatureStore | Registry | str | Path,
    *,
    name: str,
    feature_service: str | FeatureService | None = None,
    features: Sequence[str] | None = None,
    entity_df: str | Path | Sequence[str | Path] | pd.DataFrame | pa.Table | None = None,
    start_date: str | datetime | None = None,
    end_date: str | datetime | None = None,
    label: str,
    root: str | Path | None = None,
    ratio: float = 0.2,
    if_reached: str = "refuse",
    seed: int = 0,
    split: str | SplitRule | None = None,
    sampler: str | None = None,
    k_neighbors: int = 5,
    missing: Missing = "inherit",
    grid: Grids = "auto",
    relations: Relations = "report",
    on_demand: str | None = None,
    clean: str | None = None,
    undersample: float | None = None,
    group_by: str | None = None,
    subgroups: str = "within",
    no_danger: NoDanger = "plain",
    shrinkage: float | None = None,
    group_size: int = 10,
    small_groups: bool = False,
    release: bool = False,
    exclude_noisy: bool = False,
    recall: float | None = None,
    filter_by_created_timestamp: bool = False,
    full_feature_names: bool = False,
    retain: str = "full",
    join_keys: Sequence[str] | None = None,
    timestamp: str | None = None,
    categorical: Sequence[str] | None = None,
    strict: bool = False,
    allow: str | Sequence[str] = (),
    suspects: str | Path | None = None,
    namespace: str | None = None,
    audit_sample: int = 0,
    audit_root: str | Path | None = None,
    audit_redact: str | Sequence[str] = (),
    secret_key: SecretKey | str | None = None,
    max_seconds: float | str | None = None,
    max_memory: int | str | None = None,
    max_rows: int | None = None,
    resume: str | None = None,
    engine: str | None = None,
    engine_address: str | None = None,
    workers: int | None = None,
    worker_memory: int | str | None = None,
    workplace: str | Path | None = None,
) -> Snapshot:
    """Retrieve or read training data, augment the training split, and publish all as a version.

    Parameters
    ----------
    store : feast.FeatureStore, str or Path
        Where the features are, and whose registry the version goes to. Without Feast, the directory of a plain
        catalogue, or a URI of one: the rows are then those of `entity_df`.
    name : str
        Of the snapshot: a letter, then up to 62 letters, digits, ``_`` or ``-``.
    feature_service : str or feast.FeatureService, optional
        What to retrieve; this or `features`.
    features : sequence of str, optional
        References ``view:feature``. In a plain catalogue columns, by default all that have no other part.
    entity_df : str, Path, list, pandas.DataFrame or pyarrow.Table, optional
        Entity frame, the path or URI of a ``.parquet``, ``.csv`` or ``.sql`` file or of a directory of ``.parquet``
        files, a list of these, or a SELECT where the offline store takes SQL: join keys and ``event_timestamp``, once
        each. In a plain catalogue the whole table, or its files.
    start_date, end_date : str or datetime, optional
        In place of a frame: every row of the label's view between two instants, both included; one may be left out.
    label : str
        The class: a column of the frame, a feature of the service, or ``view:feature`` of any view or label view.
    root : str or Path, optional
        Where snapshots are kept: a path or a URI of `pyarrow.fs`; by default ``snapshots`` in the store's repository,
        or the plain catalogue itself.
    ratio : float
        Minority : majority in the training split afterwards, above 0 and at most 1.
    if_reached : {"refuse", "publish"}
        Where every class has the ratio already: raise `GateError`, or publish the rows as they are, with no synthetic
        one and nothing cleaned.
    seed : int
        From 0 to 2**64 - 1; keys every draw.
    split : str or SplitRule, optional
        See `feast_plugin.versions.inputs.split.SplitRule`. By default ``time:0.7,0.15,0.15`` or, where rows have no
        event timestamp, ``stratified:0.7,0.15,0.15``.
    sampler : str, optional
        One of `resampler.methods.catalog.METHODS`; by default smotenc where the contract has categorical features, else
        smote.
    k_neighbors : int
        Neighbours of its class that a row may be joined with.
    missing : {"inherit", "complete", "refuse"}
        Whether rows with nulls are parents too, whose nulls their synthetic rows inherit; are no parents; or stop the
        version.
    grid : {"auto", "off"}
        Whether synthetic values are put on the steps and within the bounds that the real values of a column keep.
    relations : {"report", "keep"}
        Whether features that are copies, multiples or sums of others in all training rows are only named, or follow
        from these in synthetic rows, too; that needs ``grid="auto"``.
    on_demand : {"computed", "interpolated"}, optional
        Whether on-demand features of synthetic rows are computed by their transformation from the inputs of the row,
        as serving does, which is the default; or interpolated like others, the default with ``missing="complete"``
        and ``grid="off"``, as earlier releases did.
    clean : {"tomek", "enn"}, optional
        Then take out of the training split what stands where the classes meet: synthetic rows, and real ones of
        classes that got none (`feast_plugin.versions.making.cleaning`).
    undersample : float, optional
        First leave training rows of the larger classes out until smallest : larger is this.
    group_by : str, optional
        A join key or a feature: only rows that agree in it are joined.
    subgroups : {"within", "proportional"}
        Whether each subgroup of `group_by` is balanced within itself, or grows in proportion to its rows.
    no_danger : {"plain", "error"}
        What to do where no row of a class is in danger: make the plain method's rows and warn, or raise.
    shrinkage : float, optional
        For sampler random: width of the noise about a row, in multiples of Silverman's.
    group_size : int
        For sampler hardened: real rows of a group at least, 10 or more.
    small_groups : bool
        For sampler hardened: consent to groups of 5 to 9 rows, which say more about each of them.
    release : bool
        For sampler hardened: publish the training split alone, with synthetic rows in place of the real ones of all
        classes but the largest. Such a version is made again from its source, never from its files.
    recall : float, optional
        Share of the true neighbours that a search has to find, above 0 and at most 1; by default all are found. The
        manifest has what a sample of the rows found.
    filter_by_created_timestamp : bool
        Take no value that was created after the row's event timestamp, so that what arrived late is not known early.
        Views whose source has no created timestamp are not filtered, and named in a warning. From Feast 0.67 on.
    exclude_noisy : bool
        Keep rows of a class from being parents that have none of their own among their five nearest, where other
        classes are as many.
    full_feature_names : bool
        Name columns ``view__feature``; the columns of ours are then ``resampler__is_synthetic`` and, of a label from
        the frame, ``resampler__<label>``, since Feast reads no other names back.
    retain : {"full", "sample", "recipe"}
        How many synthetic rows to store: all, the first 1,000, or none. `feast_plugin.rebuild_snapshot` makes the same
        bytes again.
    join_keys : sequence of str
        In a plain catalogue: columns that identify an entity, integer or text. With the event timestamp, if there is
        one, they identify a row.
    timestamp : str, optional
        In a plain catalogue: column of the event time. A version names it ``event_timestamp``.
    categorical : sequence of str, optional
        In a plain catalogue: integer features that are codes. Text and booleans always are.
    strict : bool
        Publish nothing where a check warns.
    allow : str or sequence of str
        Names of checks (`resampler.quality.checks.catalog.CHECKS`) whose findings stop nothing; the manifest says
        so.
    suspects : str or Path, optional
        A ``.parquet`` or ``.csv`` file to write: the training rows whose labels a person should look at first.
    namespace : str, optional
        What Feast groups the datasets by, beside the snapshot's name; by default ``resampler``. It is part of no
        digest.
    audit_sample : int
        How many synthetic rows to keep for auditors (`resampler audit show`): chosen by a keyed hash, each beside its
        base, its neighbour, the step, and its distances to both and to the nearest real row of its class. At most
        10,000; by default none. It is part of no digest.
    audit_root : str or Path, optional
        Where that sample is kept, so that its access can be another; by default the directory ``audit`` of the
        snapshot, on this machine for its owner alone.
    audit_redact : str or sequence of str
        Columns that the sample leaves out.
    secret_key : SecretKey or str, optional
        A key, or where it is read from: ``env:NAME`` or ``file:PATH``. It is mixed into every draw of synthetic rows,
        so that the seed, which is published, tells nothing of them. Splits and what is left out stay keyed on the seed:
        versions with and without a key have the same test rows. Making the rows again needs the key
        (`feast_plugin.rebuild_snapshot`, `feast_plugin.forget_entity`).
    max_seconds : float or str, optional
        Seconds, or ``"10m"``, after which no part is begun: reading, the rows of a class, a file. What is finished is
        kept in ``NAME/unfinished``, rows included, for a week; a run finishes one part at least.
    max_memory : int or str, optional
        Bytes, or ``"4GiB"``, that the process may take: a part that is estimated to take more is refused before.
    max_rows : int, optional
        Rows that may be read: more are refused, and none is left out.
    resume : str, optional
        ``"latest"`` goes on with the unfinished run of the same parameters, if there is one, and else begins one that
        can be gone on with; a token with that run alone.
    engine : {"inline", "processes", "ray", "spark", "dask"}, optional
        Where the work runs; it decides no byte. By default in this process; from a million rows on, where their number
        is known before, on Ray where it is installed, else in processes. On any engine but ``inline`` what is finished
        is kept, as with `resume`.
    engine_address : str, optional
        Of a cluster; by default workers are started on this machine.
    workers : int, optional
        By default one a core, or what the cluster has.
    worker_memory : int or str, optional
        Bytes, or ``"4GiB"``, that a worker may take: a part that is estimated to take more is refused before.
    workplace : str or Path, optional
        Directory that all workers see, for what tasks give one another, rows included; by default in
        ``NAME/unfinished``, which must then be such a directory.

    Returns
    -------
    Snapshot
        The new version, or an earlier one with equal inputs and parameters.

    Raises
    ------
    InvalidInputError
        If a parameter breaks its rule.
    DataError
        If the frame, the label, the split or a class that is too small does.
    ContractError
        If the data are not what the views promise.
    GateError
        If a finding is a refusal, or `strict` and a warning, and it is not allowed;
        if the ratio is reached already, and `if_reached` is ``refuse``.
    CorruptStateError
        If an earlier version or the registry was damaged or changed.
    StoppedError
        If `max_seconds` are spent: the same call with ``resume="latest"`` goes on.
    BudgetError
        If there are more rows than `max_rows`, or a part would take more than `max_memory`.

    Notes
    -----
    Nothing is published unless all succeeds. Versions appear when their manifest does, and are registered after;
    what a killed run left is removed or completed by the next one. Entities that were forgotten
    (`feast_plugin.forget_entity`) are left out, and a `feast_plugin.notices.SnapshotWarning` says so.
    """
    recipe = Recipe(
        ratio=ratio,
        if_reached=if_reached,
        seed=seed,
        split=SplitRule.parse(split) if isinstance(split, str) else split,
        sampler=sampler,
        k_neighbors=k_neighbors,
        missing=missing,
        grid=grid,
        relations=relations,
        on_demand=on_demand,
        clean=clean,
        undersample=undersample,
        group_by=group_by,
        subgroups=subgroups,
        no_danger=no_danger,
        shrinkage=shrinkage,
        group_size=group_size,
        small_groups=small_groups,
        release=release,
        exclude_noisy=exclude_noisy,
        recall=recall,
        retain=retain,
        secret_key=SecretKey.of(secret_key),
    )
    request = Request(
        label=label,
        entity_df=entity_df,
        feature_service=feature_service,
        features=features,
        start_date=start_date,
        end_date=end_date,
        filter_by_created_timestamp=filter_by_created_timestamp,
        full_feature_names=full_feature_names,
        join_keys=join_keys,
        timestamp=timestamp,
        categorical=categorical,
    )
    registry = registry_of(store)
    gate = Gate(strict=strict, allow=allow, suspects=suspects)
    audited = AuditSample(audit_sample=audit_sample, audit_root=audit_root, audit_redact=audit_redact)
    budget = SnapshotBudget(max_seconds=max_seconds, max_memory=max_memory, max_rows=max_rows, resume=resume)  # type: ignore[arg-type]
    settings = EngineSettings(
        engine=engine,
        engine_address=engine_address,
        workers=workers,
        worker_memory=worker_memory,  # type: ignore[arg-type]
        workplace=None if workplace is None else str(workplace),
    )
    catalog = registry.catalog(name, root)
    return create(registry, catalog, request, recipe, gate, namespace, audited, budget, settings)


def check_snapshot(
    store: FeatureStore | Registry | str | Path, *, name: str, root: str | Path | None = None, **options: Any
) -> list[Finding]:
    """Say what the checks find in rows and in what would be made of them; publish nothing.

    Parameters
    ----------
    store : feast.FeatureStore, str or Path
        As in `create_snapshot`.
    name : str
        Of the snapshot. Entities that were forgotten of it are left out.
    root : str or Path, optional
        As in `create_snapshot`.
    **options : Any
        The other keywords of `create_snapshot`.

    Returns
    -------
    list of Finding
        The worst first; those that `allow` names are marked so. Warnings say the same.

    Raises
    ------
    TypeError
        If `create_snapshot` has no such keyword.
    InvalidInputError, DataError, ContractError, GateError
        As `create_snapshot`, but for what is found.
    """
    options.pop("namespace", None)  # decides nothing that is checked
    split = options.get("split")
    if isinstance(split, str):
        options["split"] = SplitRule.parse(split)
    records: list[Any] = []
    for one in (
        *options_of(AuditSample),
        *options_of(SnapshotBudget),
        *options_of(EngineSettings),
    ):  # decide nothing that is checked
        options.pop(one.name, None)
    for kind in (Request, Recipe, Gate):
        own = {one.name for one in options_of(kind)}
        records.append(kind(**{option: value for option, value in options.items() if option in own}))
        options = {option: value for option, value in options.items() if option not in own}
    if options:
        raise TypeError(f"check_snapshot() got an unexpected keyword argument {min(options)!r}")
    registry = registry_of(store)
    return check(registry, registry.catalog(name, root), *records)
