"""`Source`: where the real rows of a version come from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from feast_plugin.versions.inputs.contract import Contract
    from feast_plugin.versions.inputs.rows import CanonicalRows
    from feast_plugin.versions.inputs.tombstones import Tombstones
    from resampler.engines.workplace import Workplace


class Source(ABC):
    """Rows that were asked for, not yet read.

    Parameters
    ----------
    contract : Contract
        What they promise.
    """

    def __init__(self, contract: Contract) -> None:
        self.contract = contract

    @property
    @abstractmethod
    def origin(self) -> dict[str, Any]:
        """What a manifest's `inputs` say of it and a recipe depends on: ``project`` and ``feature_service``."""

    @property
    @abstractmethod
    def notes(self) -> dict[str, Any]:
        """What a manifest notes to find the rows again; ``entity_frame`` is part of it."""

    @property
    def size(self) -> tuple[int, int] | None:
        """Rows that will be read, and bytes of their columns in the source, where that is known before; else None."""
        return None

    @abstractmethod
    def rows(self, spool: Path, forgotten: Tombstones, place: Workplace | None = None) -> CanonicalRows:
        """Read the rows into canonical form on disk.

        Parameters
        ----------
        spool : Path
            A local directory with room for the rows once; the file in it is removed as soon as it is mapped.
        forgotten : Tombstones
            Entities that are left out.
        place : Workplace, optional
            Whose engine reads them by parts, and where their files stay; by default this process reads them.

        Returns
        -------
        CanonicalRows
            Of all other entities.

        Raises
        ------
        ContractError
            If the rows are not what the contract promises.
        DataError
            If a key, a timestamp or a label is null, or a key stands twice at one instant.
        """
