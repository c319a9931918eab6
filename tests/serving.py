"""Serves several registered versions, each by MLflow's scoring server in its own process on its own port.

`mlflow models serve` imports MLflow twice for every model: seconds of two cores and half a gigabyte each.
This does what that command does, the same application under the same server, but imports once and then forks.

    python -m tests.serving http://127.0.0.1:5000 credit-scorer/1=5101 credit-scorer/2=5102
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping
from importlib import import_module

HEAVY = (
    "mlflow.pyfunc.scoring_server",
    "mlflow.sklearn",
    "pandas",
    "scipy.special",
    "sklearn.pipeline",
    "skops.io",
)
MODEL = "__pyfunc_model_path__"  # by this name MLflow's scoring server is told its model
SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}


def serve(tracking_uri: str, ports: Mapping[str, int], host: str = "127.0.0.1") -> int:
    """Serve each `name/number` on its port until told to end; if one ends, all do, and the answer is 1."""
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    os.environ["MLFLOW_TRACKING_URI"] = tracking_uri
    for module in HEAVY:
        import_module(module)
    children = {_forked(version, host, port): version for version, port in ports.items()}
    told: list[int] = []

    def end(number: int, _frame: object) -> None:
        told.append(number)
        for child in children:
            os.kill(child, signal.SIGTERM)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    first, _ = os.wait()
    version = children.pop(first)
    if not told:
        sys.stderr.write(
            f"The model server of {version} ended; the others are ended too. Its reason stands above.\n"
        )
        end(0, None)
    while children:
        children.pop(os.wait()[0])
    return 0 if told[0] else 1


def _forked(version: str, host: str, port: int) -> int:
    parent = os.getpid()
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        _die_with(parent)
        _serve_one(version, host, port)
        status = 0
    finally:
        os._exit(status)  # never back into the parent's code


def _die_with(parent: int) -> None:
    """Linux ends the child when its parent is killed; else a killed demo would leave its ports taken."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG
        if os.getppid() != parent:
            os._exit(1)


def _serve_one(version: str, host: str, port: int) -> None:
    """What `mlflow models serve` runs in the end."""
    import uvicorn

    os.environ[MODEL] = f"models:/{version}"
    uvicorn.run(
        "mlflow.pyfunc.scoring_server.app:app", host=host, port=port, access_log=False, log_level="warning"
    )


def main(arguments: list[str]) -> int:
    """Read `tracking-uri name/number=port ...` and serve."""
    tracking_uri, *pairs = arguments
    ports = {version: int(port) for version, _, port in (pair.rpartition("=") for pair in pairs)}
    return serve(tracking_uri, ports)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
