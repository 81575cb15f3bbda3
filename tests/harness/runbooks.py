"""Commands of runbooks, as they stand on the page."""

from __future__ import annotations

import re
import shutil
import subprocess

from prometheus import ROOT

BASH = shutil.which("bash") or "/bin/bash"
_FENCE = re.compile(r"^```bash\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def commands(alert, section):
    """List the commands of a section (``Check``, ``Act``, ``Verify``) that can be pasted as they are."""
    page = (ROOT / "docs" / "runbooks" / f"{alert}.md").read_text(encoding="utf-8")
    text = page.split(f"\n## {section}\n")[1].split("\n## ")[0]
    return [line for block in _FENCE.findall(text) for line in re.sub(r"\\\n\s*", "", block).splitlines() if line]


def paste(command, environment, directory):
    """Run a command as someone who is on call would; return the finished process."""
    shell = [BASH, "-euo", "pipefail", "-c", command]
    return subprocess.run(shell, env=environment, cwd=directory, capture_output=True, text=True, timeout=120)
