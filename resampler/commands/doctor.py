"""`resampler doctor`: a checklist that looks; exit 0 nothing fails, 3 something does."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from resampler.commands.version_option import with_version
from resampler.commands.who import by_option, who
from resampler.doctor.attest import attest as keep
from resampler.doctor.item import FAIL, UNKNOWN, Asked
from resampler.errors import GateError, InvalidInputError
from resampler.policy import read_policy

if TYPE_CHECKING:
    from resampler.training_set import TrainingSet


@click.command()
@with_version(place=True)
@click.option("--policy", metavar="FILE", help="TOML or YAML file of what is asked of versions, models and runs.")
@click.option("--prometheus", metavar="URL", help="Server that evaluates the alerts: http://localhost:9090.")
@click.option("--runbooks", metavar="DIRECTORY|URL", help="Where the runbooks of alerts stand.")
@click.option("--stream", metavar="NAME", help="A stream.")
@click.option("--url", help="Redis server of the stream; by default RESAMPLER_REDIS_URL.")
@click.option(
    "--attest", metavar="ITEM", help="Say of an item that nobody but a person can answer that it is done; it is kept."
)
@click.option("--reason", default="", help="With --attest: what was done.")
@by_option
@click.option("--strict", is_flag=True, help="Exit 3 where an answer is unknown, too.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def doctor(
    version: TrainingSet | None,
    place: dict[str, str | None],
    policy: str | None,
    prometheus: str | None,
    runbooks: str | None,
    stream: str | None,
    url: str | None,
    attest: str | None,
    reason: str,
    by: str | None,
    strict: bool,
    as_json: bool,
) -> int:
    """Say what is ready and what is not: of a version, its policy and runs, of alerts and of a stream.

    What is not given is not looked at, and unknown; all options together look at everything. Exit 0 nothing fails, 2
    wrong usage, 3 something fails.
    """
    from resampler.doctor.checklist import examine, items, worst
    from resampler.doctor.printing import in_words

    if url is not None and stream is None:
        raise InvalidInputError("--url is where a stream is: name it, --stream NAME")
    if attest is not None:
        known = [item.name for item in items().values() if item.attested]
        if attest not in known:
            raise InvalidInputError(f"--attest takes what a person alone can say: {', '.join(known)}, got {attest!r}")
        if version is None:
            raise InvalidInputError("--attest says something of a version: name it, --snapshot NAME")
        keep(version, attest, by or who(), reason)
    if version is None and not (policy or prometheus or runbooks or stream or attest):
        raise InvalidInputError(
            "give what is to be looked at: --snapshot, --policy, --prometheus, --runbooks, --stream"
        )
    asked = Asked(
        version=version,
        place=place,
        policy=None if policy is None else read_policy(policy),
        prometheus=prometheus,
        runbooks=runbooks,
        stream=stream,
        url=url,
    )
    examined = examine(asked)
    verdict = worst(examined)
    if as_json:
        said = [
            {name: getattr(one.item, name) for name in ("name", "stage", "question", "remedy")} | one.answer._asdict()
            for one in examined
        ]
        click.echo(json.dumps({"verdict": verdict, "items": said}))
    else:
        click.echo("\n".join(in_words(examined)))
    return GateError.exit_code if verdict == FAIL or (strict and verdict == UNKNOWN) else 0
