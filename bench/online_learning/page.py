"""The page of figures: `docs/prequential.md`, written of all that stands in the file of results."""

from __future__ import annotations

from pathlib import Path

from . import measures, tables
from .methods import OURS, REPORTS
from .recorded import SEVERAL_CLASSES, SOURCES, TWO_CLASSES
from .streams import BURSTS, SEVERAL, STEADY

PAGE = Path(__file__).parents[2] / "docs" / "prequential.md"
RIVAL = "river over"
HEAD = """# Learning from imbalanced streams: what was measured

Written by the command below. Which settings to take, and what follows from these figures:
[the guide](imbalanced-streams.md). What was tried, and how settings were chosen:
[the design note](design/imbalanced-streams.md).

```bash
python bench/prequential.py --data DIR --write
```

Every row is predicted first, then learned; the first 500 are not scored. Settings are chosen on generated streams and
judged on recorded ones, {rows} rows each: Elec2 (43 per cent rare), weather (30), card fraud in the order of time
(1.1), adult in file order (24), bank marketing in its last third (11), turbofans in file order, where each engine ends
in a burst (7.5), and of KDD Cup 1999 all attacks (1.6), *satan* (10) and *portsweep* (2) against all, and nine kinds
of attack at once. Compared are

- a learner that is left alone, the same with a threshold at the share that the class has of the last 1,000 or of all
  rows, and with class weights by the shares of the last 1,000 rows;
- river's samplers, aimed at equal classes: over, under, both, and hard sampling;
- the ensembles MOOB and MUOB (Wang, Minku and Yao, IJCAI 2016), which of two classes are OOB and UOB, with ten
  learners;
- of MOA, by the jar in the package capymoa, with its own tree, which is another implementation than river's: to be
  compared with each other, not with ours;
- ours: the preset `online-learning`, the same under `--emit owed` and `--emit arrival`, and with a trainer that
  reports its recall of its last 1,000 rows every 500.

A burst begins with a row of a class that had at most two among the last 500 and has ten among the next 100; its recall
is that of the rows in these 100. Of several classes the G-mean is of those with 50 rows or more. ± is half a 95 per
cent interval over seeds, left out below .0005; those of recorded streams stem from draws alone, the resampler's and
the tree's. One seed of the tree moves a stream by up to .2.

Preset: `{preset}`. {machine}.
"""
TITLES = {"logistic": "Logistic regression on standardised columns", "tree": "Hoeffding adaptive tree"}
GROUPS = {
    "recorded, two classes": list(TWO_CLASSES),
    "recorded, nine kinds of attack": list(SEVERAL_CLASSES),
    "generated, steady": [f.__name__ for f in STEADY],
    "generated, in bursts": [f.__name__ for f in BURSTS],
    "generated, several rare classes": [f.__name__ for f in SEVERAL],
}


def sections(found: tables.Found, learner: str, methods: list[str]) -> str:
    """Return all tables of a learner; a group of streams on which ours did not run is left out."""
    parts = [f"## {TITLES[learner]}"]
    for group, streams in GROUPS.items():
        if tables.seeds_of(found, streams, OURS):
            parts.append(f"{group.capitalize()}:\n\n{tables.summary(found, streams, methods, measures.NAMES)}")
    if any(tables.seeds_of(found, list(SOURCES), method) for method in methods):
        parts.append(f"Single streams, G-mean / kappa:\n\n{tables.by_stream(found, list(SOURCES), methods)}")
    single = {stream: [stream] for stream in SOURCES}
    for title, method, other, groups in (
        ("Ours less river's over-sampler", OURS, RIVAL, GROUPS | single),
        ("What feedback brings: ours with reports of recall less ours without", REPORTS, OURS, GROUPS),
    ):
        if any(tables.seeds_of(found, streams, method, other) for streams in groups.values()):
            more = tables.differences(found, groups, method, other, measures.NAMES)
            parts.append(f"{title}, seed by seed:\n\n{more}")
    return "\n\n".join(parts) if len(parts) > 1 else ""
