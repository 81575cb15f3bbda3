"""`/metrics`, `/healthz` and `/livez`: what is known in the process; no answer waits for Redis, or for another one."""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import disable_created_metrics, make_wsgi_app

from resampler.errors import ResamplerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from stream.worker.worker import Worker

logger = logging.getLogger(__name__)

DEFAULT_PORT = 9_464
POLL_S = 0.05  # what the end of the server can be late by
REQUEST_S = 10.0  # how long a client may take to ask, and to read the answer


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True  # the end of the worker waits for no client
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - as the base class has it
        logger.debug("a request of %s came to nothing", client_address, exc_info=True)


class _QuietHandler(WSGIRequestHandler):
    timeout = REQUEST_S

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        logger.debug(format, *args)


@contextmanager
def metrics_server(worker: Worker, host: str, port: int | None) -> Iterator[int]:
    """Serve a worker's metrics and health while the block runs.

    Parameters
    ----------
    worker : Worker
        Whose.
    host : str
        Address to listen on; loopback unless someone has to reach it from elsewhere.
    port : int or None
        0: do not serve. None: `DEFAULT_PORT`, or nothing if another worker of this machine has that.

    Yields
    ------
    int
        The port, 0 if not served.

    Raises
    ------
    ResamplerError
        If the port that was asked for is taken.
    """
    if port == 0:
        yield 0
        return
    disable_created_metrics()  # a second series beside each counter and histogram, which nobody looks at
    metrics = make_wsgi_app(worker.metrics.registry)
    answers = {"/healthz": worker.complaints, "/livez": worker.hanging}

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request.

        Parameters
        ----------
        environ : dict
            The request, as WSGI has it.
        start_response : callable
            Takes status and headers.

        Returns
        -------
        iterable of bytes
            The body.
        """
        if environ["PATH_INFO"] not in answers:
            return metrics(environ, start_response)
        complaints = answers[environ["PATH_INFO"]]()
        status = "503 Service Unavailable" if complaints else "200 OK"
        start_response(status, [("Content-Type", "text/plain; charset=utf-8")])
        return [f"{line}\n".encode() for line in complaints or ["ok"]]

    try:
        server = make_server(host, DEFAULT_PORT if port is None else port, app, _Server, _QuietHandler)
    except OSError as error:
        if port is not None:
            raise ResamplerError(
                f"--metrics-port {port} on {host} cannot be used ({error.strerror}): choose another, or 0 for none"
            ) from error
        logger.warning("port %d is taken, metrics are not served: pass --metrics-port", DEFAULT_PORT)
        yield 0
        return
    thread = threading.Thread(target=server.serve_forever, args=(POLL_S,), name="metrics", daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
