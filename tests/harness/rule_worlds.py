"""A world of series for promtool: a healthy worker and a healthy ledger, and what a fault makes of them.

Series are lists of samples, one every `STEP_S`; None is a missing sample. Real streams are not as even as these: what
chance does is added where a rule has to stand it.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from itertools import accumulate, pairwise

import yaml
from prometheus import ROOT, promtool

STEP_S = 60
DAY = 86_400
RULES = [ROOT / "deploy" / "prometheus" / name for name in ("recordings.yaml", "alerts.yaml")]
WORKER = 'job="worker",instance="w0:9464"'
LEDGER = 'job="ledger",instance="l0:9465"'
SHARD = f'{WORKER},stream="clicks",shard="clicks"'
_OWN = re.compile(r'\b(instance|stream|shard|snapshot|dataset)="')  # labels that tell worlds apart


class World:
    """Series of `minutes` minutes; a fault begins after `fault` of them.

    Parameters
    ----------
    minutes, fault : float
        How long the world lasts, and when what `change`, `count` or `lose` say begins.
    step_s : int
        Seconds between samples.
    """

    def __init__(self, minutes=60, fault=30, step_s=STEP_S):
        self.step_s = step_s
        self.n = int(minutes * 60 / step_s) + 1
        self.k = int(fault * 60 / step_s)
        self.series = {}
        self._healthy()

    def _healthy(self):
        gauge, count = self.gauge, self.counter
        gauge(f"up{{{WORKER}}}", 1)
        gauge(f"up{{{LEDGER}}}", 1)
        gauge(f'resampler_worker_info{{{WORKER},stream="clicks",run="r1",version="1",contract="c",seed="0"}}', 1)
        gauge(f'resampler_hanging_threads{{{WORKER},stream="clicks"}}', 0)
        gauge(f'resampler_class_target_ratio{{{SHARD},class="1"}}', 0.2)
        for standing in ("followed", "none", "stale", "ahead", "refused"):
            gauge(f'resampler_feedback{{{SHARD},standing="{standing}"}}', int(standing == "followed"))
        for state, shards in (("owned", 1), ("elsewhere", 0), ("unowned", 0), ("unknown", 0)):
            gauge(f'resampler_shards{{{WORKER},stream="clicks",state="{state}"}}', shards)
        for name, value in (
            ("server_up", 1),
            ("shard_owned", 1),
            ("stream_lag_rows", 3 if self.step_s < 120 else 0),  # no rule sees commits at such steps
            ("paused", 0),
            ("idle", 0),
            ("clock_skew_seconds", 0.01),
            ("drift_distance_max", 0.03),
            ("drift_window_rows", 5_000),
            ("dead_letter_entries", 0),
        ):
            gauge(f"resampler_{name}{{{SHARD}}}", value)
        self.series[f"resampler_last_commit_timestamp_seconds{{{SHARD}}}"] = [i * self.step_s for i in range(self.n)]
        gauge(f'resampler_feed_lag_rows{{{SHARD},feed="train"}}', 12)
        for reason in ("missing_field", "not_finite", "unknown_category"):
            count(f'resampler_dead_letters_total{{{SHARD},reason="{reason}"}}', 0)
        for reason in ("moved", "gap", "full", "disk", "other"):
            count(f'resampler_refused_commits_total{{{SHARD},reason="{reason}"}}', 0)
        for label, rows, made in (("0", 95, 0), ("1", 5, 14)):  # a second
            each = f'{SHARD},class="{label}"'
            count(f"resampler_rows_total{{{each}}}", rows)
            count(f"resampler_samples_generated_total{{{each}}}", made)
            gauge(f"resampler_buffer_rows{{{each}}}", 10_000)
            gauge(f"resampler_buffer_recall{{{each}}}", 0.97)
            gauge(f"resampler_neighbor_distance{{{each}}}", 0.4)
        fraud = f'{LEDGER},snapshot="fraud"'
        gauge(f"resampler_ledger_unread_files{{{fraud}}}", 0)
        self.series[f"resampler_ledger_read_timestamp_seconds{{{fraud}}}"] = [i * self.step_s for i in range(self.n)]
        gauge(f"resampler_snapshot_version{{{fraud}}}", 3)
        self.series[f"resampler_snapshot_created_timestamp_seconds{{{fraud}}}"] = [  # a version a day
            i * self.step_s // DAY * DAY for i in range(self.n)
        ]
        gauge(f"resampler_snapshot_interval_seconds{{{fraud}}}", DAY)
        gauge(f"resampler_snapshot_target_ratio{{{fraud}}}", 0.2)
        for label, ratio in (("0", 1), ("1", 0.2)):
            gauge(f'resampler_snapshot_ratio{{{fraud},class="{label}"}}', ratio)
        for step in ("gate", "privacy", "drift", "snapshot"):
            for outcome in ("pass", "no", "unknown", "failed", "stopped"):
                gauge(
                    f'resampler_last_run_outcome{{{fraud},step="{step}",outcome="{outcome}"}}', int(outcome == "pass")
                )
        for result, rows in (("true_positive", 0.9), ("false_negative", 0.1), ("false_positive", 0.2)):
            count(f'resampler_gate_predictions_total{{{fraud},result="{result}"}}', rows)
        gauge(f'resampler_gate_objective{{{fraud},measure="recall"}}', 0.8)
        gauge(f'resampler_gate_objective{{{fraud},measure="precision"}}', 0.7)
        gauge(f"resampler_lineage_outbox_events{{{fraud}}}", 0)
        gauge(f'resampler_unfinished_runs{{{fraud},step="snapshot"}}', 0)
        for job, dataset, kind in ((WORKER, "clicks", "stream"), (LEDGER, "fraud", "snapshot")):
            gauge(f'resampler_maintenance{{{job},dataset="{dataset}",kind="{kind}"}}', 0)

    def gauge(self, series, value):
        """Set a series that stays the same."""
        self.series[series] = [value] * self.n

    def counter(self, series, per_s):
        """Set a series that grows evenly."""
        self.series[series] = [i * per_s * self.step_s for i in range(self.n)]

    def find(self, name, **labels):
        """Return the series of that name with these labels."""
        found = [
            series
            for series in self.series
            if series.partition("{")[0] == name and all(f'{key}="{value}"' in series for key, value in labels.items())
        ]
        assert found, (name, labels)
        return found

    def has(self, name):
        """Say whether there are series of that name."""
        return any(series.partition("{")[0] == name for series in self.series)

    def change(self, name, value, until=None, **labels):
        """Let a gauge be `value`, or grow by a function of the minutes since, from the fault on."""
        end = self.n if until is None else int(until * 60 / self.step_s)
        for series in self.find(name, **labels):
            for i in range(self.k, end):
                since = (i - self.k) * self.step_s / 60
                self.series[series][i] = value(since) if callable(value) else value
        return self

    def grow(self, name, per_s, until=None, **labels):
        """Let a counter grow otherwise, from the fault on."""
        end = self.n if until is None else int(until * 60 / self.step_s)
        for series in self.find(name, **labels):
            values = self.series[series]
            steps = [after - before for before, after in pairwise(values)]
            steps[self.k : end] = [per_s * self.step_s] * len(steps[self.k : end])
            self.series[series] = list(accumulate(steps, initial=values[0]))
        return self

    def freeze(self, *names):
        """Let series stay as they are at the fault."""
        for name in names:
            for series in self.find(name):
                self.series[series][self.k :] = [self.series[series][self.k]] * (self.n - self.k)
        return self

    def restart(self, *names):
        """Let counters begin again at 0 at the fault: a worker was restarted."""
        for name in names:
            for series in self.find(name):
                values = self.series[series]
                values[self.k :] = [value - values[self.k] for value in values[self.k :]]
        return self

    def lose(self, *parts):
        """Let all series that have one of these parts in their name or labels be missing from the fault on."""
        for series in self.series:
            if any(part in series for part in parts) and not series.startswith("up{"):
                self.series[series][self.k :] = ["stale"] + [None] * (self.n - self.k - 1)
        return self

    def down(self, target=WORKER, until=None):
        """Let a target answer no scrape from the fault on."""
        end = self.n if until is None else int(until * 60 / self.step_s)
        kept = {series: values[end:] for series, values in self.series.items()}
        self.lose(target)
        self.series[f"up{{{target}}}"][self.k :] = [0] * (self.n - self.k)
        for series, values in kept.items():
            self.series[series][end:] = values
        return self

    def quiet(self):
        """Let no row come from the fault on."""
        self.freeze("resampler_rows_total", "resampler_samples_generated_total")
        self.freeze("resampler_last_commit_timestamp_seconds")
        return self.change("resampler_stream_lag_rows", 0)

    def idle(self):
        """Let nothing be committed from the fault on, while rows go on coming."""
        self.quiet()
        return self.change("resampler_stream_lag_rows", lambda minutes: 3 + 6_000 * minutes)


def _text(values):
    return " ".join("_" if value is None else value if value == "stale" else f"{value:.10g}" for value in values)


def check(tmp_path, cases):
    """Have promtool compare what fires with what is expected, of worlds side by side.

    What takes promtool long are the rules and the steps, not the series: worlds of as many steps become datasets of
    one. So a rule that mixes up two datasets is found, too.

    Parameters
    ----------
    tmp_path : Path
        For the files of the tests.
    cases : dict of str to (World, dict)
        By name: the series, and by minute how many alerts fire, by (name, dataset); all others are to be silent.

    Returns
    -------
    dict of str to str
        By name of a case that went otherwise: what promtool says of it.
    """
    together = defaultdict(dict)
    for i, (name, (world, expected)) in enumerate(cases.items()):
        together[world.n, world.step_s][f"{i}-"] = (name, world, expected)
    failed = {}
    for number, ((_, step_s), worlds) in enumerate(together.items()):
        path = tmp_path / f"tests-{number}.yaml"
        path.write_text(json.dumps(promtool_tests(step_s, worlds)))  # which is YAML
        done = promtool("test", "rules", path)
        for said in re.split(r"(?=\bexpr: )", done.stdout + done.stderr)[1:] if done.returncode else ():
            name = worlds[re.search(r'dataset=~\\?"(\d+-)', said)[1]][0]
            failed[name] = failed.get(name, "") + said
        assert failed or not done.returncode, done.stdout + done.stderr
    return failed


def promtool_tests(step_s, worlds):
    """Return a file of tests: of worlds by the prefix that tells their datasets and targets apart."""
    return {
        "rule_files": list(map(str, RULES)),
        "evaluation_interval": f"{step_s}s",
        # Otherwise in any order, and what is older than 5 minutes is gone for the next group.
        "group_eval_order": [group["name"] for path in RULES for group in yaml.safe_load(path.read_text())["groups"]],
        "tests": [
            {
                "interval": f"{step_s}s",
                "input_series": [
                    {"series": _OWN.sub(rf'\1="{prefix}', series), "values": _text(values)}
                    for prefix, (_, world, _) in worlds.items()
                    for series, values in world.series.items()
                ],
                "promql_expr_test": [
                    {
                        "expr": f'count by (alertname, dataset) (ALERTS{{alertstate="firing", dataset=~"{prefix}.*"}})',
                        "eval_time": f"{round(minute * 60)}s",
                        "exp_samples": [
                            {"labels": f'{{alertname="{name}", dataset="{prefix}{dataset}"}}', "value": count}
                            for (name, dataset), count in sorted(alerts.items())
                        ],
                    }
                    for prefix, (_, _, expected) in worlds.items()
                    for minute, alerts in expected.items()
                ],
            }
        ],
    }
