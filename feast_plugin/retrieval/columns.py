"""What a field of Feast's is as a column: its dtype, and whether it is categorical."""

from __future__ import annotations

from typing import TYPE_CHECKING

from feast.types import Array, Bool, Float32, Float64, Int32, Int64, PrimitiveFeastType, String

from feast_plugin.versions.inputs.contract import CATEGORICAL_BY_DEFAULT, StoredFeature, column_name
from resampler.dtypes import DTYPES, FLOAT, TEXT
from resampler.errors import ContractError

if TYPE_CHECKING:
    from feast.field import Field

DTYPE_OF = {Float32: "float32", Float64: "float64", Int32: "int32", Int64: "int64", Bool: "bool", String: "string"}
SEMANTICS = ("categorical", "numeric")


def stored_feature(view: str, field: Field, *, full: bool) -> StoredFeature:
    """Read from a field what a version stores of it.

    Parameters
    ----------
    view : str
        What its features are called by.
    field : feast.field.Field
        The feature.
    full : bool
        Whether the view's name is part of the column's.

    Returns
    -------
    StoredFeature
        Categorical by its type, or by its tag ``semantic``.

    Raises
    ------
    ContractError
        If its type cannot be resampled, or does not fit its tag.
    """
    reference = f"{view}:{field.name}"
    array = isinstance(field.dtype, Array)
    base: PrimitiveFeastType = field.dtype.base_type if array else field.dtype
    dtype = DTYPE_OF.get(base)
    family = None if dtype is None else DTYPES[dtype].family
    if dtype is None or (array and family in CATEGORICAL_BY_DEFAULT):
        raise ContractError(
            f"feature {reference} has type {field.dtype}, which cannot be resampled: use Float32, Float64, Int32, "
            "Int64, Bool, String or an array of numbers, or leave the feature out"
        )
    semantic = field.tags.get("semantic")
    if semantic is not None and semantic not in SEMANTICS:
        raise ContractError(f"feature {reference}: tag semantic must be one of {SEMANTICS}, got {semantic!r}")
    if semantic == "numeric" and family == TEXT:
        raise ContractError(f"feature {reference} is a String and cannot be tagged semantic=numeric")
    if semantic == "categorical" and (array or family == FLOAT):
        raise ContractError(f"feature {reference} is {field.dtype}; a categorical one must be Int, Bool or String")
    categorical = semantic == "categorical" if semantic else family in CATEGORICAL_BY_DEFAULT
    return StoredFeature(reference, column_name(reference, full=full), dtype, categorical, array)
