"""Whether what a manifest says of its columns agrees with its contract and its inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from feast_plugin.versions.inputs.contract import KEY_DTYPES

if TYPE_CHECKING:
    from collections.abc import Mapping


def contradiction_of(columns: Mapping[str, Any], contract: Mapping[str, Any], inputs: Mapping[str, Any]) -> str | None:
    """Name what the columns say against the contract, whose hash is part of the recipe.

    Parameters
    ----------
    columns, contract, inputs : dict
        As in `feast_plugin.versions.files.manifest.Manifest`.

    Returns
    -------
    str or None
        One sentence; None if they agree.
    """
    features = list(contract["features"])
    own_names = {column["name"] for column in columns["features"]}
    for column in columns["features"]:
        name = column["name"]
        # A feature of its own may be called like one more element of the array before it.
        names = {name} if not column["array"] else {f"{name}[{j}]" for j in range(len(features))} - own_names
        n = next((i for i, feature in enumerate(features) if feature["name"] not in names), len(features))
        own, features = features[:n] if column["array"] else features[:1], features[n if column["array"] else 1 :]
        if not own or n == 0:
            return f"columns have feature {name!r}, which is not the contract's next"
        for key in ("dtype", "categorical"):
            if own[0][key] != column[key]:
                return f"{key} of feature {name!r} is {column[key]!r} in columns, {own[0][key]!r} in the contract"
    if features:
        return f"columns lack feature {features[0]['name']!r} of the contract"
    if columns["label"] != contract["label"]["name"]:
        return f"label is {columns['label']!r} in columns, {contract['label']['name']!r} in the contract"
    for key in columns["join_keys"]:
        if key["dtype"] not in KEY_DTYPES:
            return f"join key {key['name']!r} has dtype {key['dtype']!r}"
    references = [*(c["reference"] for c in columns["features"]), columns["label_reference"]]
    asked = list(inputs["references"])
    if references != asked[:-1] or columns["references"] != asked:
        return f"references are {columns['references']} in columns, {asked} in inputs"
    return None
