"""Write all generated files."""

from __future__ import annotations

from deploy.generate.files import ROOT, files

for path, text in files().items():
    (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
    (ROOT / path).write_text(text, encoding="utf-8")
