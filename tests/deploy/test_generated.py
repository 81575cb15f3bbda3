"""Generated files are committed as they are generated."""

from deploy.generate.files import ROOT, files


def test_files_are_as_generated():
    stale = [path for path, text in files().items() if not (ROOT / path).exists() or (ROOT / path).read_text() != text]
    assert not stale, "make deploy"
