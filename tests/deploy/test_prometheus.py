"""What Prometheus and Alertmanager are given is what they take, and does what it says."""

import json
import re
import subprocess
import time
import urllib.request

import yaml
from prometheus import ROOT, Alertmanager, Webhook, need_tool, promtool
from scaled import scaled_rules

from deploy.generate import prometheus
from resampler.monitoring.alerts import ALERTS
from resampler.monitoring.catalog import METRICS
from resampler.monitoring.recordings import RECORDINGS

DEPLOY = ROOT / "deploy"
PART_OF_HISTOGRAM = re.compile(r"_(bucket|sum|count)$")


def test_rules_and_scrapes_are_valid():
    done = promtool("check", "config", DEPLOY / "prometheus" / "prometheus.yaml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"SUCCESS: {len(ALERTS)} rules found" in done.stdout
    assert f"SUCCESS: {len(RECORDINGS)} rules found" in done.stdout


def test_the_configuration_of_alertmanager_is_valid():
    command = [need_tool("amtool"), "check-config", str(DEPLOY / "alertmanager" / "alertmanager.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_manifest_for_the_operator_holds_the_same_rules():
    rule = yaml.safe_load((DEPLOY / "kubernetes" / "prometheusrule.yaml").read_text())
    files = [yaml.safe_load((DEPLOY / "prometheus" / f"{name}.yaml").read_text()) for name in ("recordings", "alerts")]
    assert rule["kind"] == "PrometheusRule"
    assert rule["spec"]["groups"] == [group for file in files for group in file["groups"]]


def test_rules_name_what_is_exported():
    recorded = {rule.name for rule in RECORDINGS}
    for rule in (*RECORDINGS, *ALERTS.values()):
        for name in re.findall(r"(?<![\w:])(?:\w+:)?resampler_[\w:]+", rule.expr):
            if ":" in name:
                assert name in recorded, (rule.name, name)
            else:
                assert name in METRICS or PART_OF_HISTOGRAM.sub("", name) in METRICS, (rule.name, name)


def test_what_explains_an_alert_is_evaluated_before_it_and_has_its_dataset():
    names = list(ALERTS)
    for alert in ALERTS.values():
        for cause in alert.explained_by:
            assert names.index(cause) < names.index(alert.name)
            assert ALERTS[cause].subject == alert.subject


def test_texts_fit_a_pager():
    for alert in ALERTS.values():
        assert f"{{{{ $labels.{alert.subject} }}}}" in alert.summary or "{{ $labels.shard }}" in alert.summary
        assert len(re.sub(r"\{\{.*?\}\}", "12345678", alert.summary)) <= 100, alert.name
        if alert.severity != "none":
            assert "$value" in alert.description or alert.expr.endswith("== 1") or "up == 0" in alert.expr, alert.name
            assert "First: " in alert.description, alert.name


def test_rules_of_a_faster_time_are_valid_and_nothing_of_them_is_left_behind(tmp_path):
    for name, made in (("recordings", prometheus.recordings()), ("alerts", prometheus.alerts())):
        (tmp_path / name).write_text(text := yaml.safe_dump(rules := scaled_rules(made, 60)))
        done = promtool("check", "rules", tmp_path / name)
        assert done.returncode == 0, done.stdout + done.stderr
        assert not re.findall(r"\[\d+[mhd]\]|offset \d+[mhd]\b|\* (?:60|3600)\b|for: \d+[mhd]\b", text)
    stale = next(rule for group in rules["groups"] for rule in group["rules"] if "SnapshotStale" in rule["alert"])
    assert "> 2880" in stale["expr"]


def post(alertmanager, *alerts):
    request = urllib.request.Request(  # noqa: S310 - of our own
        f"{alertmanager.url}/api/v2/alerts",
        json.dumps([{"labels": labels} for labels in alerts]).encode(),
        {"Content-Type": "application/json"},
    )
    urllib.request.urlopen(request, timeout=10).close()  # noqa: S310 - the same


def test_a_window_of_maintenance_silences_its_dataset_and_no_other(tmp_path):
    config = yaml.safe_load((DEPLOY / "alertmanager" / "alertmanager.yaml").read_text())
    with Webhook() as webhook:
        for receiver in config["receivers"]:
            for hook in receiver.get("webhook_configs", ()):
                hook["url"] = f"{webhook.url}/{receiver['name']}"
        config["route"]["group_wait"] = config["route"]["routes"][1]["group_wait"] = "1s"
        with Alertmanager(tmp_path, config) as alertmanager:
            post(
                alertmanager,
                *(
                    {"alertname": name, "severity": ALERTS[name].severity, "dataset": dataset, "kind": kind}
                    for name, dataset, kind in (
                        ("ResamplerMaintenance", "fraud", "snapshot"),
                        ("ResamplerSnapshotStale", "fraud", "snapshot"),
                        ("ResamplerRecallBudgetBurnFast", "fraud", "snapshot"),
                        ("ResamplerWorkerDown", "fraud", "stream"),
                        ("ResamplerDrift", "clicks", "stream"),
                    )
                ),
            )
            deadline = time.monotonic() + 20
            while len(webhook.received) < 2 and time.monotonic() < deadline:
                time.sleep(0.1)
            time.sleep(1)
            states = {alert["labels"]["alertname"]: alert["status"]["state"] for alert in alertmanager.alerts()}
        sent = {
            path.rpartition("/")[2]: [alert["labels"]["alertname"] for alert in notification["alerts"]]
            for _, path, notification in webhook.received
        }
    assert {name for name, state in states.items() if state == "suppressed"} == {
        "ResamplerSnapshotStale",
        "ResamplerRecallBudgetBurnFast",
    }
    assert sent == {"page": ["ResamplerWorkerDown"], "ticket": ["ResamplerDrift"]}
