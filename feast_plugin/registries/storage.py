"""Where Feast reads a dataset from, in the terms of the offline store that is to read it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from feast.data_format import ParquetFormat
from feast.infra.offline_stores.file_source import SavedDatasetFileStorage

if TYPE_CHECKING:
    from feast import FeatureStore
    from feast.saved_dataset import SavedDatasetStorage

    from feast_plugin.versions.registry import Dataset

_SPARK = "parquet."  # Spark reads a directory under the name of its format


def storage_of(dataset: Dataset, store: FeatureStore) -> SavedDatasetStorage:
    """Say where a dataset is.

    Parameters
    ----------
    dataset : Dataset
        Of a version.
    store : feast.FeatureStore
        Its configuration names the offline store.

    Returns
    -------
    feast.saved_dataset.SavedDatasetStorage
        Files; on the Spark store, which reads tables alone, the directory of the split as one, where its path has no
        dot, which separates the parts of a table's name.
    """
    path = f"{dataset.directory.uri}/{dataset.path}"
    if str(store.config.offline_store.type).rpartition(".")[2] in ("spark", "SparkOfflineStore"):
        directory = path.rpartition("/")[0] if path.endswith(".parquet") else path
        if "." not in directory and "`" not in directory:
            from feast.infra.offline_stores.contrib.spark_offline_store.spark_source import SavedDatasetSparkStorage

            return SavedDatasetSparkStorage(table=f"{_SPARK}{directory}")
    return SavedDatasetFileStorage(
        path=path, file_format=ParquetFormat(), s3_endpoint_override=dataset.directory.endpoint
    )


def uri_of(storage: Any) -> str:
    """Return the path of a dataset, however its store names it.

    Parameters
    ----------
    storage : feast.saved_dataset.SavedDatasetStorage
        Of `storage_of`, or another's.

    Returns
    -------
    str
        A path or URI; empty of what has none.
    """
    if (files := getattr(storage, "file_options", None)) is not None:
        return str(files.uri)
    table = str(getattr(getattr(storage, "spark_options", None), "table", ""))
    return f"{table.removeprefix(_SPARK)}/part-00000.parquet" if table.startswith(_SPARK) else table
