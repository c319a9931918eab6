"""The reader against a real tracking server that holds the demo's models."""

from __future__ import annotations

import dataclasses
import hashlib
import http.server
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from registry.mlflow import manifest
from registry.mlflow.facts import Absent, Unacceptable, Unreachable, VersionFacts
from registry.mlflow.proposals import propose, slice_of
from registry.mlflow.reader import TrackingServer, example
from tests.tracking import Tracking

VERSIONS = {
    ("credit-scorer", 1),
    ("credit-scorer", 2),
    ("tumour-classifier", 1),
    ("digit-reader", 1),
    ("churn-sketch", 1),
}


@pytest.fixture
def server(tracking_server: Tracking) -> TrackingServer:
    return TrackingServer(tracking_server.uri)


@pytest.fixture
def scorer(server: TrackingServer) -> VersionFacts:
    return server.version("credit-scorer", 1)


def test_models_come_with_aliases_tags_and_an_aware_time(server: TrackingServer) -> None:
    found = {model.name: model for model in server.models()}

    assert found["credit-scorer"].aliases == {"champion": 1, "challenger": 2}
    assert found["credit-scorer"].tags == {"team": "retail-lending"}
    assert found["tumour-classifier"].aliases == {"champion": 1}
    assert found["churn-sketch"].aliases == {}
    assert found["digit-reader"].created_at.utcoffset() is not None


def test_paging_goes_to_the_end(tracking_server: Tracking) -> None:
    one_by_one = TrackingServer(tracking_server.uri, page_size=1)
    at_once = TrackingServer(tracking_server.uri)

    assert list(one_by_one.models()) == list(at_once.models())
    assert {(version.model, version.number) for version in one_by_one.versions()} >= VERSIONS
    assert sorted(version.number for version in one_by_one.versions("credit-scorer")) == [1, 2]


def test_version_names_its_run_and_its_logged_model(server: TrackingServer, scorer: VersionFacts) -> None:
    logged = server.logged_model(scorer.logged_model_id)

    assert scorer.source == f"models:/{scorer.logged_model_id}"
    assert scorer.status == "READY"
    assert logged.status == "READY"
    assert logged.run_id == scorer.run_id
    auc = next(metric for metric in logged.metrics if metric.name == "auc")
    assert (auc.dataset_name, len(auc.dataset_digest)) == ("synthetic-applicants-evaluation", 8)


def test_run_brings_its_dataset_inputs(server: TrackingServer, scorer: VersionFacts) -> None:
    run = server.run(scorer.run_id)

    assert run.status == "FINISHED"
    assert run.started_at is not None
    assert run.ended_at is not None
    assert run.ended_at >= run.started_at
    assert run.params["C"] == "0.5"
    assert "false_negative_rate__age_18_25" in run.metrics
    inputs = {data.context: data for data in run.dataset_inputs}
    assert set(inputs) == {"training", "evaluation"}
    assert inputs["training"].name == "synthetic-applicants-training"
    assert (inputs["training"].rows, inputs["evaluation"].rows) == (300, 100)
    assert [column["name"] for column in inputs["training"].schema["mlflow_colspec"]][:2] == ["age", "income"]


def test_run_names_the_commit_of_the_checkout(server: TrackingServer, scorer: VersionFacts) -> None:
    root = Path(__file__).resolve().parents[2]
    command = ["git", "-C", str(root), "cat-file", "-t"]
    commit = server.run(scorer.run_id).git_commit
    if not commit:
        pytest.skip("the models were trained outside a checkout, or before its first commit")

    kind = subprocess.run([*command, commit], capture_output=True, text=True, check=False)

    assert kind.stdout.strip() == "commit"


def test_model_file_tells_signature_flavors_and_packages(
    server: TrackingServer, scorer: VersionFacts
) -> None:
    file = server.model_file(scorer)

    assert [column.name for column in file.inputs][:3] == ["age", "income", "employment_years"]
    assert file.inputs[-1].type == "string"
    assert file.outputs
    assert file.flavors["sklearn"]["serialization_format"] == "skops"
    assert file.python_version == ".".join(map(str, sys.version_info[:3]))
    assert any(package.startswith("scikit-learn==") for package in file.packages)


@pytest.mark.parametrize(("model", "number"), sorted(VERSIONS))
def test_digests_are_those_of_the_files_on_disk(
    tracking_server: Tracking, server: TrackingServer, model: str, number: int
) -> None:
    version = server.version(model, number)
    root = next(tracking_server.artifacts.glob(f"*/models/{version.logged_model_id}/artifacts"))
    on_disk = {
        str(path.relative_to(root)): (path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest())
        for path in root.rglob("*")
        if path.is_file()
    }

    taken = manifest.take(server, version)

    assert {file.path: (file.size_bytes, file.sha256) for file in taken} == on_disk
    assert [file.path for file in taken] == sorted(on_disk)
    assert not any(path.endswith((".pkl", ".pickle")) for path in on_disk)


def test_digest_is_stable_and_moves_with_one_byte(server: TrackingServer, scorer: VersionFacts) -> None:
    files = manifest.take(server, scorer)
    changed = manifest.FileDigest(files[0].path, files[0].size_bytes, "0" * 64)

    assert manifest.digest(files) == manifest.digest(reversed(files))
    assert manifest.digest(files) != manifest.digest([changed, *files[1:]])
    assert manifest.digest([]) == hashlib.sha256(b"[]").hexdigest()


def test_manifest_refuses_what_is_over_the_limits(server: TrackingServer, scorer: VersionFacts) -> None:
    with pytest.raises(Unacceptable, match="more than 3 files"):
        manifest.take(server, scorer, most_files=3)
    with pytest.raises(Unacceptable, match="larger than 1,000 bytes"):
        manifest.take(server, scorer, most_bytes=1_000)


@pytest.mark.parametrize("path", ["../MLmodel", "/etc/passwd", "a/../../b", "a\\b", "a//b", "./MLmodel"])
def test_path_outside_the_model_folder_is_never_asked_for(
    server: TrackingServer, scorer: VersionFacts, path: str
) -> None:
    with pytest.raises(Unacceptable, match="outside"):
        list(server.open(scorer, path))


def test_example_is_a_body_that_model_servers_take(server: TrackingServer, scorer: VersionFacts) -> None:
    body = example(server, scorer)

    assert set(body) == {"dataframe_split"}
    assert "age" in body["dataframe_split"]["columns"]
    assert len(body["dataframe_split"]["data"]) == 2


def test_proposals_name_their_source_and_never_the_intended_use(
    server: TrackingServer, scorer: VersionFacts
) -> None:
    found = propose(
        scorer,
        server.run(scorer.run_id),
        server.logged_model(scorer.logged_model_id),
        server.model_file(scorer),
    )
    by_field = {proposal.path: proposal for proposal in found}

    assert all(proposal.source for proposal in found)
    assert len(by_field) == len(found)
    assert not any(proposal.path.startswith("intended_use") for proposal in found)
    assert by_field["model_details.name"].value == "credit-scorer"
    assert by_field["model_details.owners"].value == [{"name": "retail-lending"}]
    assert str(by_field["model_details.framework"].value).startswith("scikit-learn ")
    assert str(by_field["operation.inputs"].value).splitlines()[0] == "age: long"
    assert by_field["training_data.datasets"].value[0]["rows"] == 300  # type: ignore[index]
    assert {"metric", "value", "dataset", "slice"} == set(by_field["metrics.results"].value[0])
    assert f"run {scorer.run_id[:8]}…" in by_field["metrics.results"].source


def test_proposals_of_an_orphan_are_few_but_right(scorer: VersionFacts) -> None:
    found = propose(scorer, None, None, None)

    assert {proposal.path for proposal in found} == {
        "model_details.name",
        "model_details.version",
        "model_details.overview",
        "model_details.owners",
    }


def test_slice_stands_after_two_underscores() -> None:
    assert slice_of("false_negative_rate__age_18_25") == ("false_negative_rate", "age_18_25")
    assert slice_of("auc") == ("auc", "")
    assert slice_of("__odd") == ("__odd", "")


def test_what_is_not_there_is_absent(server: TrackingServer, scorer: VersionFacts) -> None:
    with pytest.raises(Absent, match=f"run {'0' * 32}"):
        server.run("0" * 32)
    with pytest.raises(Absent, match="credit-scorer version 99"):
        server.version("credit-scorer", 99)
    with pytest.raises(Absent, match="no-such-file"):
        list(server.open(scorer, "no-such-file"))


def test_server_that_is_down_is_named_at_once() -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{reserved.getsockname()[1]}"

        with pytest.raises(Unreachable, match="correct its address") as caught:
            list(TrackingServer(address, timeout_seconds=2).models())

    assert address in str(caught.value)


def test_server_that_stays_silent_is_given_up_within_its_timeout(server: TrackingServer) -> None:
    next(server.models())  # the first import of the client is not what is timed here
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        began = time.monotonic()

        with pytest.raises(Unreachable, match="within 1 seconds"):
            list(TrackingServer(address, timeout_seconds=1).models())

    assert time.monotonic() - began < 3


@pytest.mark.parametrize("address", ["sqlite:///mlflow.db", "ftp://models", ""])
def test_address_that_is_no_web_address_is_refused(address: str) -> None:
    with pytest.raises(Unreachable, match="http"):
        list(TrackingServer(address).models())


def test_password_in_the_address_is_never_repeated() -> None:
    with pytest.raises(Unreachable) as caught:
        list(TrackingServer("http://someone:secret@127.0.0.1:1", timeout_seconds=1).models())

    assert "secret" not in str(caught.value)


@pytest.fixture
def page_of_words() -> Iterator[str]:
    """A web server that has nothing to do with MLflow and answers everything with a page."""

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>Welcome.</html>")

        def log_message(self, *_: object) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page) as web:
        thread = threading.Thread(target=web.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{web.server_address[1]}"
        web.shutdown()
        thread.join()


def test_nonsense_is_never_read_as_an_empty_registry(page_of_words: str) -> None:
    with pytest.raises(Unreachable, match="as an MLflow tracking server"):
        list(TrackingServer(page_of_words, timeout_seconds=2).models())


def test_files_in_a_folder_of_the_server_are_read_only_when_allowed(
    tracking_server: Tracking, tmp_path: Path
) -> None:
    import mlflow

    client = mlflow.MlflowClient(tracking_server.uri, registry_uri=tracking_server.uri)
    experiment = client.create_experiment(f"on-disk-{tmp_path.name}", artifact_location=tmp_path.as_uri())
    run = client.create_run(experiment)
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "MLmodel").write_text("flavors: {}\n")
    client.log_artifacts(run.info.run_id, str(tmp_path / "made"), "model")
    version = VersionFacts(
        model="on-disk",
        number=1,
        description="",
        source="",
        run_id=run.info.run_id,
        logged_model_id="",
        status="READY",
        created_at=next(TrackingServer(tracking_server.uri).models()).created_at,
        tags={},
    )
    client.create_registered_model("on-disk")
    client.create_model_version("on-disk", f"{run.info.artifact_uri}/model", run_id=run.info.run_id)

    with pytest.raises(Unacceptable, match="with --serve-artifacts"):
        manifest.take(TrackingServer(tracking_server.uri), version)
    taken = manifest.take(TrackingServer(tracking_server.uri, local_artifacts=True), version)

    assert [(file.path, file.size_bytes) for file in taken] == [("MLmodel", 12)]


def test_importing_the_reader_does_not_import_mlflow() -> None:
    program = (
        "import sys, registry.mlflow.manifest, registry.mlflow.proposals; "
        "sys.exit(any(name.split('.')[0] == 'mlflow' for name in sys.modules))"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], cwd=Path(__file__).resolve().parents[2], check=False
    )

    assert done.returncode == 0


def test_tags_of_a_version_propose_base_models_references_and_tags(scorer: VersionFacts) -> None:
    tags = {
        "base_model": "bert-base, roberta",
        "references": "https://example.org/paper",
        "language": "en",
        "task": "text-classification",
        "arch": "encoder",
        "mlflow.inner": "of no use",
    }

    found = {p.path: p for p in propose(dataclasses.replace(scorer, tags=tags), None, None, None)}

    assert found["model_details.base_models"].value == [{"name": "bert-base"}, {"name": "roberta"}]
    assert found["model_details.base_models"].source == "tag base_model of credit-scorer version 1"
    assert found["model_details.references"].value == ["https://example.org/paper"]
    assert found["model_details.languages"].value == ["en"]
    assert found["model_details.task"].value == "text-classification"
    assert found["model_details.tags"].value == ["arch: encoder"]
