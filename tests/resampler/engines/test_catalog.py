"""Which engine is opened, and what is said where it cannot be."""

import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from resampler.engines import answering, catalog
from resampler.engines.catalog import ENGINES, LARGE_ROWS, open_engine, usual
from resampler.engines.settings import NAMES, EngineSettings
from resampler.engines.task import TaskError
from resampler.errors import MissingExtraError


def test_every_engine_that_can_be_named_is_there() -> None:
    assert set(ENGINES) == set(NAMES)


def test_what_is_large_goes_to_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    assert usual(None) == usual(LARGE_ROWS - 1) == "inline"
    assert usual(LARGE_ROWS) == "ray"
    monkeypatch.setattr(catalog, "find_spec", lambda _name: None)
    assert usual(LARGE_ROWS) == "processes"


def test_an_engine_that_is_not_installed_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "resampler.engines.dask", None)
    monkeypatch.delitem(sys.modules, "resampler.engines.dask")
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingExtraError, match=r"needs distributed.*: pip install 'feast-resampler\[dask\]'"):
        open_engine(EngineSettings(engine="dask"))


@pytest.mark.parametrize(
    ("engine", "scheme"), [("ray", ""), ("ray", "ray://"), ("dask", "tcp://"), ("spark", "spark://")]
)
def test_a_cluster_that_is_not_there_is_said_at_once(engine: str, scheme: str) -> None:
    with socket.socket() as taken:  # bound, and nobody listens
        taken.bind(("127.0.0.1", 0))
        address = f"{scheme}127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(TaskError, match=f"engine {engine} does not answer at {address} .*is its cluster up"):
            open_engine(EngineSettings(engine=engine, engine_address=address))


@pytest.mark.parametrize(("engine", "scheme"), [("ray", ""), ("ray", "ray://"), ("dask", "tcp://")])
def test_what_listens_there_and_is_no_cluster_is_said(
    engine: str, scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answering, "ANSWERS_WITHIN_S", 0.5)
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as dashboard:
        threading.Thread(target=dashboard.serve_forever, daemon=True).start()
        settings = EngineSettings(engine=engine, engine_address=f"{scheme}127.0.0.1:{dashboard.server_port}")
        with pytest.raises(TaskError, match=f"listens there is none of {engine}"):
            open_engine(settings)
        dashboard.shutdown()


def test_spark_without_java_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", "/nowhere")
    with pytest.raises(MissingExtraError, match="needs Java 17 or later on this machine: on PATH, or by JAVA_HOME"):
        open_engine(EngineSettings(engine="spark"))
