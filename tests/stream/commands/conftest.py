"""Commands, run as processes to their end."""

from __future__ import annotations

import pytest


@pytest.fixture
def call(start_cli):
    """Run `resampler stream ...`; return what it prints, and what it says beside that."""

    def run(*arguments, code=0, **options):
        process = start_cli(*arguments, **options)
        out, err = process.communicate(timeout=240)
        assert process.returncode == code, err
        assert "Traceback" not in err
        return out, err

    return run
