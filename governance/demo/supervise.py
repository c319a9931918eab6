"""`script/demo`: starts every part, seeds by doing, says where everything is, and ends all of it together.

The order is chosen for the clock: MLflow takes longest to start, so it starts first and makes its tables
while PostgreSQL starts, migrates and the training program loads its libraries.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Never

from cryptography.fernet import Fernet
from honcho.environ import parse_procfile

from governance import embedded
from governance.demo.crew import Broken, Crew, is_free
from governance.embedded.places import replace

CHECKOUT = Path(__file__).resolve().parents[2]
SERVE = ["mlflow", "models", "serve", "--host", "127.0.0.1", "--workers", "1", "--env-manager", "local"]
MODEL_PORTS = 4  # how many model servers the seed may ask for
MADE_BY_DEMO = ("postgres", "redis", "mlflow", "demo", "media", "log", "secrets.json", "embedded.json")
BEGAN = time.monotonic()


class Refusal(RuntimeError):
    """The demo cannot start; the message is one sentence that names the remedy."""


def say(words: str) -> None:
    """One line of progress, with the seconds since the start."""
    print(f"{time.monotonic() - BEGAN:6.1f} s  {words}", flush=True)


def ports() -> dict[str, int]:
    """The ports of this demo by the variable that sets each; all of them free."""
    chosen: dict[str, int] = {}
    for variable, default in {"PORT": 8000, "GATE_PORT": 8001, "MLFLOW_PORT": 5000}.items():
        value = os.environ.get(variable) or str(default)
        if not value.isdigit() or not 1 <= int(value) <= 65535:
            raise Refusal(f"{variable} must be a port from 1 to 65535, not {value!r}.")
        if int(value) in chosen.values():
            raise Refusal(f"Port {value} is asked for twice: set {variable} to another port.")
        if not is_free(int(value)):
            raise Refusal(f"Port {value} is taken: set {variable} to a free port, or end what listens there.")
        chosen[variable] = int(value)
    return chosen | {"MODEL_PORT": _model_ports(chosen)}


def _model_ports(chosen: dict[str, int]) -> int:
    """The first of the consecutive ports for the model servers, right above MLflow's own."""
    first = int(os.environ.get("MODEL_PORT") or chosen["MLFLOW_PORT"] + 1)
    for port in range(first, first + MODEL_PORTS):
        if port in chosen.values() or not is_free(port):
            raise Refusal(
                f"Port {port}, needed for a model server, is taken: "
                f"set MODEL_PORT to the first of {MODEL_PORTS} free ports."
            )
    return first


def environment(folder: Path, chosen: dict[str, int]) -> dict[str, str]:
    """What every part of the demo is told."""
    return {
        **os.environ,
        **{variable: str(port) for variable, port in chosen.items()},
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        "CARDINAL_VAR": str(folder),
        "DJANGO_SETTINGS_MODULE": "governance.settings",
        "SITE_URL": f"http://127.0.0.1:{chosen['PORT']}",
        "GATE_URL": f"http://127.0.0.1:{chosen['GATE_PORT']}",
        "MLFLOW_TRACKING_URI": f"http://127.0.0.1:{chosen['MLFLOW_PORT']}",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
        "PYTHONUNBUFFERED": "1",
        "OMP_NUM_THREADS": "1",  # many small processes on few cores
        "OPENBLAS_NUM_THREADS": "1",
    }


def webhooks(folder: Path) -> dict[str, str]:
    """What MLflow needs to deliver to a portal on loopback, and to know its secrets again after a restart."""
    key = folder / "demo" / "webhook.key"
    if not key.exists():
        key.parent.mkdir(exist_ok=True)
        replace(key, Fernet.generate_key().decode())
    return {
        "MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY": key.read_text(),
        "MLFLOW_WEBHOOK_ALLOWED_SCHEMES": "http,https",
        "MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS": "true",
        "MLFLOW_WEBHOOK_CACHE_TTL": "1",  # it would remember for a minute that there was no webhook yet
    }


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """One demo per folder; the kernel drops the lock of a killed one."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "demo.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refusal(
                f"A demo already runs in {folder}: end it with Ctrl-C, or set CARDINAL_VAR, PORT, GATE_PORT "
                "and MLFLOW_PORT for a second one beside it."
            ) from None
        yield


def start_parts(crew: Crew, chosen: dict[str, int]) -> None:
    """Starts all but the model servers, and seeds; returns when the seed is done."""
    lines = parse_procfile((CHECKOUT / "Procfile").read_text()).processes
    crew.start("mlflow", lines["mlflow"], webhooks(crew.folder))
    embedded.addresses()
    say("PostgreSQL and Redis run.")
    crew.run("migrate", [sys.executable, "manage.py", "migrate", "--no-input", "--verbosity", "0"])
    say("The database is migrated.")
    for name in ("portal", "gate", "worker", "beat"):
        crew.start(name, lines[name])
    say("Training, reading and reviewing (the seed):")
    began = time.time()
    crew.run(
        "seed", [sys.executable, "manage.py", "demo_seed"], aloud=True, meanwhile=lambda: serve(crew, began)
    )
    crew.wait_for("mlflow", f"http://127.0.0.1:{chosen['MLFLOW_PORT']}/health")


def serve(crew: Crew, since: float = 0.0) -> list[tuple[str, int]]:
    """Serves each model that the seed has listed, by MLflow's own scoring server.

    A list older than `since` is left alone: the seed may still replace it.
    """
    path = crew.folder / "demo" / "models.json"
    try:
        listed = json.loads(path.read_text()) if path.stat().st_mtime >= since else []
    except (FileNotFoundError, ValueError):  # not there yet, or being written
        return []
    # A model may be served in two versions, so only the port tells its servers apart.
    servers = {f"model-{model['name']}-{model['port']}": model for model in listed}
    for name, model in servers.items():
        if name not in crew.members:
            crew.start(name, [*SERVE, "--model-uri", str(model["uri"]), "--port", str(model["port"])])
    return [(name, int(model["port"])) for name, model in servers.items()]


def wait_for_parts(crew: Crew, chosen: dict[str, int]) -> None:
    """Waits until every address answers."""
    served = serve(crew)
    for name, variable in (("portal", "PORT"), ("gate", "GATE_PORT")):
        crew.wait_for(name, f"http://127.0.0.1:{chosen[variable]}/healthz")
    for name, port in served:
        crew.wait_for(name, f"http://127.0.0.1:{port}/ping")
    say(f"{len(served)} model servers answer.")


def summary(folder: Path, chosen: dict[str, int]) -> str:
    """Where everything is; the accounts and the first query are the seed's to tell."""
    lines = [f"{name:<8}http://127.0.0.1:{chosen[port]}" for name, port in
             (("Portal", "PORT"), ("Gate", "GATE_PORT"), ("MLflow", "MLFLOW_PORT"))]  # fmt: skip
    told = folder / "demo" / "summary.txt"
    return "\n".join(["", *lines, "", told.read_text().rstrip() if told.exists() else "", ""])


def run(options: argparse.Namespace, folder: Path) -> int:
    """The whole demo, from free ports to the last process ended."""
    crew = Crew(folder, os.environ)
    if swept := crew.sweep():
        say(f"Ended {swept} processes that a killed demo had left.")
    chosen = ports()
    crew = Crew(folder, environment(folder, chosen))
    if options.fresh:
        clear(folder)
        crew.logs.mkdir()
    try:
        start_parts(crew, chosen)
        wait_for_parts(crew, chosen)
        say("Ready.")
        print(summary(folder, chosen), flush=True)
        if options.once:
            return journey(crew)
        print("Ctrl-C ends everything.", flush=True)
        while True:
            crew.watch()
            time.sleep(0.5)
    finally:
        shield()
        crew.end()
        embedded.stop()


def journey(crew: Crew) -> int:
    """The main job over HTTP as the different accounts; its exit code is ours."""
    process = subprocess.Popen(
        [sys.executable, "-m", "governance.demo.journey"], env=crew.environment, start_new_session=True
    )
    crew.members["journey"] = process
    while process.poll() is None:
        crew.watch(besides="journey")
        time.sleep(0.1)
    return process.returncode


def clear(folder: Path) -> None:
    """Forgets everything that an earlier demo made in this folder, and nothing else that lies there."""
    embedded.stop()
    for name in MADE_BY_DEMO:
        path = folder / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    for path in folder.glob("celerybeat-schedule*"):
        path.unlink()


def shield() -> None:
    """A second Ctrl-C must not leave half of the processes running."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def interrupted(_number: int, _frame: object) -> Never:
    """Ctrl-C and SIGTERM end the demo alike."""
    raise KeyboardInterrupt


def main(arguments: list[str] | None = None) -> int:
    """Runs the demo: 0 when ended on purpose, 1 when a part broke, 2 when it could not start.

    With --once it is the exit code of the journey.
    """
    parser = argparse.ArgumentParser(
        prog="script/demo", description="Cardinal with real parts, seeded by doing."
    )
    parser.add_argument(
        "--once", action="store_true", help="seed, run the main job over HTTP, end everything"
    )
    parser.add_argument("--fresh", action="store_true", help="forget what an earlier demo left")
    options = parser.parse_args(arguments)
    for order in (signal.SIGINT, signal.SIGTERM):  # a shell's background job would ignore SIGINT
        signal.signal(order, interrupted)
    os.chdir(CHECKOUT)
    folder = embedded.var_dir()
    os.environ["CARDINAL_VAR"] = str(folder)
    try:
        with alone(folder):
            return run(options, folder)
    except KeyboardInterrupt:
        print("\nEverything that the demo started has ended.")
        return 130 if options.once else 0
    except (Refusal, embedded.Unavailable, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    except Broken as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
