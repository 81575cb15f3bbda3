"""Every alert has its runbook, of one form, and what it tells to run does run: on a real server, worker, catalogue."""

import re
import shutil
import subprocess

import pytest
import yaml
from prometheus import ROOT
from runbook_stage import stage

from resampler.monitoring.alerts import ALERTS

RUNBOOKS = ROOT / "docs" / "runbooks"
PAGES = {path.stem: path.read_text(encoding="utf-8") for path in sorted(RUNBOOKS.glob("*.md"))}
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMANDS = {
    code: name for name, page in reversed(PAGES.items()) for language, code in FENCE.findall(page) if language == "bash"
}
OTHERS = {code: name for name, page in PAGES.items() for language, code in FENCE.findall(page) if language == "sh"}
BASH = shutil.which("bash") or "/bin/bash"
pytestmark = pytest.mark.xdist_group("runbooks")  # one stage, not one a process
SAID_NO = 3  # a gate, a drift run and an audit say no, which is an answer


def test_every_alert_has_a_page_and_every_page_an_alert():
    assert PAGES.keys() - {"README"} == ALERTS.keys()


def test_addresses_of_runbooks_lead_to_them():
    groups = yaml.safe_load((ROOT / "deploy" / "prometheus" / "alerts.yaml").read_text())["groups"]
    for rule in (rule for group in groups for rule in group["rules"]):
        where = ROOT / rule["annotations"]["runbook_url"]
        assert where.is_file(), rule["alert"]
        assert where.stem == rule["alert"]


@pytest.mark.parametrize("name", ALERTS)
def test_pages_are_of_one_form_and_short(name):
    page = PAGES[name]
    assert page.startswith(f"# {name}\n\n**Symptom.** ")
    assert re.findall(r"^## (.*)$", page, re.MULTILINE) == ["Check", "Act", "Verify"]
    assert len(page.splitlines()) <= 70
    check = page[page.index("## Check") : page.index("## Act")]
    assert "```bash" in check, "a check that can be pasted"


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    with stage(tmp_path_factory.mktemp("stage")) as variables:
        yield variables


@pytest.mark.parametrize("code", COMMANDS, ids=lambda code: f"{COMMANDS[code]}: {code.strip()[:60]}")
def test_commands_run(code, environment, tmp_path):
    done = subprocess.run(
        [BASH, "-euo", "pipefail", "-c", code],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode in (0, SAID_NO), done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    # Into a file, or of lineage when nothing waits: nothing.
    quiet = re.search(r"> |--textfile|resampler lineage|^export", code)
    assert done.stdout or done.stderr or quiet, "something is said"


@pytest.mark.parametrize("code", OTHERS, ids=lambda code: f"{OTHERS[code]}: {code.strip()[:60]}")
def test_commands_of_other_programs_are_those_of_a_shell(code):
    done = subprocess.run([BASH, "-n", "-c", code], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    assert {line.split()[0] for line in code.splitlines()} <= {
        *("chronyc", "curl", "journalctl", "kill", "kubectl", "ls", "redis-cli", "systemctl", "timedatectl")
    }
