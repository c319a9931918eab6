"""Reads a tracking server: models, versions, runs, logged models and the bytes of their files."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from registry.mlflow import modelfile, translation
from registry.mlflow.connection import NOBODY, Connection, Credentials
from registry.mlflow.facts import (
    Absent,
    FileFacts,
    LoggedModelFacts,
    ModelFacts,
    ModelFile,
    RunFacts,
    Unacceptable,
    VersionFacts,
)

if TYPE_CHECKING:
    from mlflow.store.artifact.artifact_repo import ArtifactRepository

CHUNK = 1024 * 1024
LONGEST_TEXT = 4 * CHUNK
LOCAL = frozenset({"", "file"})
PROMPT = "mlflow.prompt.is_prompt"


class TrackingServer:
    """An MLflow tracking server behind an address.

    Every question is bounded in time and never retried here.
    """

    def __init__(
        self,
        uri: str,
        *,
        credentials: Credentials = NOBODY,
        timeout_seconds: float = 10,
        page_size: int = 1000,
        local_artifacts: bool = False,
    ) -> None:
        """`local_artifacts` allows artifacts in folders of this machine, as on a shared file system."""
        self._connection = Connection(uri, timeout_seconds, credentials)
        self._page_size = page_size
        self._local_artifacts = local_artifacts
        self._repositories: dict[tuple[str, int], ArtifactRepository] = {}

    @property
    def uri(self) -> str:
        """The address, without credentials."""
        return self._connection.label

    def models(self) -> Iterator[ModelFacts]:
        """Every registered model, page by page to the end."""
        token: str | None = None
        while True:
            with self._connection.asking("its registered models") as client:
                page = client.search_registered_models(max_results=self._page_size, page_token=token)
                found = [translation.model(model) for model in page if PROMPT not in model.tags]
            yield from found
            token = page.token
            if not token:
                return

    def model(self, name: str) -> ModelFacts:
        """One registered model by its name; `Absent` when the server says that it has none."""
        with self._connection.asking(f"the model {name}") as client:
            return translation.model(client.get_registered_model(name))

    def versions(self, model: str | None = None) -> Iterator[VersionFacts]:
        """Every version of every registered model, or of `model`, page by page to the end.

        Prompts are no models.
        """
        chosen = None if model is None else f"name = '{_quotable(model)}'"
        token: str | None = None
        while True:
            with self._connection.asking("its model versions") as client:
                page = client.search_model_versions(chosen, max_results=self._page_size, page_token=token)
                found = [translation.version(version) for version in page if PROMPT not in version.tags]
            yield from found
            token = page.token
            if not token:
                return

    def version(self, model: str, number: int) -> VersionFacts:
        """One version; `Absent` when the server has none by that name and number."""
        with self._connection.asking(f"{model} version {number}") as client:
            return translation.version(client.get_model_version(model, str(number)))

    def run(self, run_id: str) -> RunFacts:
        """One run with parameters, metrics, tags and dataset inputs; `Absent` when it was deleted."""
        with self._connection.asking(f"run {run_id}") as client:
            return translation.run(client.get_run(run_id))

    def logged_model(self, logged_model_id: str) -> LoggedModelFacts:
        """One logged model with the metrics that name their dataset."""
        with self._connection.asking(f"logged model {logged_model_id}") as client:
            return translation.logged_model(client.get_logged_model(logged_model_id))

    def model_file(self, version: VersionFacts) -> ModelFile:
        """What `MLmodel` and `requirements.txt` of the version say; parsed as text, never loaded."""
        try:
            requirements = self.text(version, "requirements.txt")
        except Absent:
            requirements = ""
        return modelfile.parse(self.text(version, "MLmodel"), requirements)

    def files(self, version: VersionFacts) -> Iterator[FileFacts]:
        """Every file of the version, folder by folder.

        A path that leaves the model folder is `Unacceptable`.
        """
        repository = self._repository(version)
        folders: list[str | None] = [None]
        while folders:
            folder = folders.pop()
            with self._connection.asking(f"the files of {version}"):
                entries = [
                    (info.path, info.is_dir, info.file_size) for info in repository.list_artifacts(folder)
                ]
            for path, is_folder, size in entries:
                _refuse_escape(path, folder)
                if is_folder:
                    folders.append(path)
                else:
                    yield FileFacts(path=path, size=size)

    def open(self, version: VersionFacts, path: str) -> Iterator[bytes]:
        """The bytes of one file, in chunks of at most 1 MiB; never on disk if the server proxies files."""
        from mlflow.store.artifact.http_artifact_repo import HttpArtifactRepository

        _refuse_escape(path, None)
        repository = self._repository(version)
        if isinstance(repository, HttpArtifactRepository):
            yield from self._streamed(repository.artifact_uri, path, f"{path} of {version}")
        else:
            yield from self._downloaded(repository, path, f"{path} of {version}")

    def text(self, version: VersionFacts, path: str) -> str:
        """A small text file of the version."""
        content = bytearray()
        for chunk in self.open(version, path):
            content += chunk
            if len(content) > LONGEST_TEXT:
                raise Unacceptable(
                    f"{path} of {version} is too long to be read as text; log the model again."
                )
        return content.decode("utf-8", errors="replace")

    def _streamed(self, root: str, path: str, what: str) -> Iterator[bytes]:
        from mlflow.utils.credentials import get_default_host_creds
        from mlflow.utils.rest_utils import http_request

        with self._connection.asking(what):
            credentials = get_default_host_creds(root)
            answer = http_request(credentials, f"/{quote(path)}", "GET", stream=True, raise_on_status=False)
            answer.raise_for_status()
        with answer:
            chunks = answer.iter_content(CHUNK)
            while True:
                with self._connection.asking(what):
                    chunk = next(chunks, b"")
                if not chunk:
                    return
                yield chunk

    def _downloaded(self, repository: ArtifactRepository, path: str, what: str) -> Iterator[bytes]:
        with TemporaryDirectory(prefix="cardinal-artifact-") as folder:
            with self._connection.asking(what):
                copy = Path(repository.download_artifacts(path, dst_path=folder))
            with copy.open("rb") as stream:
                while chunk := stream.read(CHUNK):
                    yield chunk

    def _repository(self, version: VersionFacts) -> ArtifactRepository:
        """Where the files of the version lie; looked up once per version."""
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

        key = (version.model, version.number)
        if key not in self._repositories:
            root = self._root(version)
            if urlsplit(root).scheme in LOCAL and not self._local_artifacts:
                raise Unacceptable(
                    f"The files of {version} lie in a folder of the tracking server's machine. Start "
                    "the tracking "
                    "server with --serve-artifacts, or allow local artifacts when both share the file system."
                )
            with self._connection.asking(f"the files of {version}"):
                self._repositories[key] = get_artifact_repository(root, tracking_uri=self._connection.uri)
        return self._repositories[key]

    def _root(self, version: VersionFacts) -> str:
        if version.logged_model_id:
            return self.logged_model(version.logged_model_id).artifact_uri
        with self._connection.asking(f"the address of {version}") as client:
            root: str = client.get_model_version_download_uri(version.model, str(version.number))
            return root


def example(server: TrackingServer, version: VersionFacts) -> dict[str, Any]:
    """The body of a valid query: the input example stored beside the model, as model servers take it."""
    path = server.model_file(version).example_path
    if not path:
        raise Absent(f"{version} was logged without an input example; log it again with one.")
    try:
        body = json.loads(server.text(version, path))
    except json.JSONDecodeError as problem:
        raise Unacceptable(
            f"The input example of {version} is not valid JSON; log the model again."
        ) from problem
    if not isinstance(body, dict):
        raise Unacceptable(f"The input example of {version} is no JSON object; log the model again.")
    return body


def _refuse_escape(path: str, folder: str | None) -> None:
    parts = path.split("/")
    inside = folder is None or path.startswith(f"{folder}/")
    if not inside or re.search(r"[\\\x00-\x1f]", path) or any(part in {"", ".", ".."} for part in parts):
        raise Unacceptable(
            f"The tracking server names a file outside the model's folder ({path!r}); it is not read."
        )


def _quotable(name: str) -> str:
    if "'" in name:
        raise Unacceptable(
            f"The model name {name!r} holds a quotation mark and cannot be searched; rename the model."
        )
    return name
