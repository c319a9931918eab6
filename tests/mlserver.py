"""A real V2 server: Seldon's MLServer, in an environment of its own, for its dependencies are not ours.

The environment is made once, under `var/mlserver`, from the package index; where that cannot be reached, there is none.
"""

from __future__ import annotations

import fcntl
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
PLACE = PROJECT / "var" / "mlserver"
PACKAGES = ("mlserver==1.7.1", "mlserver-sklearn==1.7.1")
PATIENCE_SECONDS = 900

# Two versions of one model: the second says of everything the contrary.
MAKE = """
import json, pathlib, sys
import joblib
from sklearn.linear_model import LogisticRegression

folder, ports = pathlib.Path(sys.argv[1]), [int(port) for port in sys.argv[2:]]
for version, labels in (("1", [0, 1]), ("2", [1, 0])):
    place = folder / version
    place.mkdir()
    joblib.dump(LogisticRegression().fit([[0.0, 0.0], [1.0, 1.0]] * 5, labels * 5), place / "model.joblib")
    said = {"uri": "./model.joblib", "version": version}
    model = {"name": "scorer", "implementation": "mlserver_sklearn.SKLearnModel", "parameters": said}
    (place / "model-settings.json").write_text(json.dumps(model))
names = ("http_port", "grpc_port", "metrics_port")
settings = {"host": "127.0.0.1", "parallel_workers": 0, "debug": False, **dict(zip(names, ports, strict=True))}
(folder / "settings.json").write_text(json.dumps(settings))
"""


class Unavailable(Exception):
    """It cannot be installed here; says why."""


def environment() -> Path:
    """The folder of its programs."""
    PLACE.parent.mkdir(parents=True, exist_ok=True)
    with (PLACE.parent / "mlserver.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stamp = PLACE / "installed"
        if not stamp.exists() or stamp.read_text() != "\n".join(PACKAGES):
            _install()
            stamp.write_text("\n".join(PACKAGES))
    return PLACE / "bin"


def _install() -> None:
    pip = [str(PLACE / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    for command in ([sys.executable, "-m", "venv", "--clear", str(PLACE)], [*pip, *PACKAGES]):
        try:
            made = subprocess.run(
                command, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Unavailable(f"MLServer cannot be installed here: {error}") from error
        if made.returncode:
            raise Unavailable(f"MLServer cannot be installed here: {made.stderr[-300:]}")


def furnish(folder: Path, *ports: int) -> None:
    """Puts two versions of a model and the settings of the server into `folder`. Ports: HTTP, gRPC, metrics."""
    command = [str(environment() / "python"), "-c", MAKE, str(folder), *map(str, ports)]
    subprocess.run(command, check=True, timeout=120)
