"""What an import sets going elsewhere: stages in the lineage, figures, marks to accept; and lineage as an export."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from audit.models import Entry
from registry import formats, lineage
from registry.actions import imports
from registry.documents.content import blank
from registry.models import PipelineStage, Revision, User
from tests import factories
from tests.registry.test_editor import boxes, head

AsUser = Callable[[User], Client]
pytestmark = pytest.mark.django_db
MD5 = "d41d8cd98f00b204e9800998ecf8427e"
LOCK = f"""schema: '2.0'
stages:
  prepare:
    cmd: python prepare.py
    deps:
    - path: data/raw.csv
      md5: {MD5}
      size: 14
    - path: data/extra
      md5: no digest at all
      nfiles: 3
      size: large
    - 7
    params:
      params.yaml:
        split: 0.2
    outs:
    - path: data/clean.csv
      hash: md5
      md5: {MD5}
      size: -1
  {"n" * 201}:
    cmd: 'true'
  empty: 5
"""


OTHER = b"# Model Card for Theirs\n\n## Uses\n\nFor something else altogether.\n"


@pytest.fixture(autouse=True)
def _files(tmp_path: Any, settings: Any) -> None:
    options = {"location": str(tmp_path / "media")}
    settings.STORAGES = settings.STORAGES | {"default": settings.STORAGES["default"] | {"OPTIONS": options}}


def test_a_lock_for_a_version_is_in_its_lineage(owner: User) -> None:
    version = factories.version()

    one = imports.take(name="dvc.lock", raw=LOCK.encode(), about=version, by=owner)

    stage = PipelineStage.objects.get()
    assert (stage.version, stage.name, stage.source) == (version, "prepare", one.digest)
    assert [(file["path"], file["digest"], file["size"]) for file in stage.dependencies] == [
        ("data/raw.csv", MD5, 14),
        ("data/extra", "", None),
    ]
    assert stage.params == {"params.yaml:split": "0.2"}
    labels = [node.label for node in lineage.of_version(version, owner).nodes]
    assert any("prepare" in label for label in labels)
    assert any("data/raw.csv" in label for label in labels)
    heard = Entry.objects.filter(kind__in=["import.taken", "import.used", "pipeline.recorded"])
    assert sorted(entry.kind for entry in heard) == ["import.taken", "import.used", "pipeline.recorded"]
    assert not Revision.objects.exists()


def test_what_no_stage_takes_is_kept_and_not_said_to_be_mapped() -> None:
    reading = formats.read(LOCK.encode(), name="dvc.lock")

    kept = set(reading.unmapped)
    assert kept == {
        "/stages/prepare/deps/1/md5",
        "/stages/prepare/deps/1/nfiles",
        "/stages/prepare/deps/1/size",
        "/stages/prepare/deps/2",
        "/stages/prepare/outs/0/size",
        f"/stages/{'n' * 201}/cmd",
        "/stages/empty",
    }
    assert reading.counts["mapped"] == 9


def test_a_lock_with_half_a_surrogate_pair_is_recorded_without_it(owner: User) -> None:
    raw = json.dumps(
        {"schema": "2.0", "stages": {"a": {"cmd": ["one", "t\ud800"], "params": {"p": {"x": "\ud800"}}}}}
    )
    version = factories.version()

    imports.take(name="dvc.lock", raw=raw.encode(), format="dvc", about=version, by=owner)

    assert (PipelineStage.objects.get().command, PipelineStage.objects.get().params) == ("one", {})


def test_a_figure_that_is_not_here_or_has_no_digest_does_not_stop_the_import(owner: User) -> None:
    version, here = factories.version(), factories.figure()
    key = next(field.path for field in formats.ledger.outline("card").fields() if field.kind == "figures")
    section, _, name = key.partition(".")
    rows = [{"digest": digest, "caption": "c", "alt": "a"} for digest in (here.digest, "0" * 64, "no digest")]
    content = blank("card")
    content[section][name] = rows

    one = imports.take(name="card.json", raw=json.dumps(content).encode(), about=version, by=owner)

    assert one.revision is not None
    assert [row["digest"] for row in one.revision.content[section][name]] == [here.digest, "0" * 64]
    assert set(one.unmapped) >= {f"/{section}/{name}/2/digest"}
    assert list(version.card.figures.all()) == [here]


def test_what_an_import_proposed_is_accepted_in_the_editor_and_not_written_over_later(
    owner: User, as_user: AsUser
) -> None:
    version = factories.version()
    one = imports.take(name="README.md", raw=factories.README.encode(), about=version, by=owner)
    assert one.revision is not None
    waiting = set(one.revision.content["unaccepted"])
    assert waiting == {proposal["path"] for proposal in one.proposals}
    browser, editor = as_user(owner), f"{version.get_absolute_url()}card/edit/"

    sent = boxes(browser.get(editor))
    browser.post(editor, sent | {"accept": "intended_use", "model_details.name": "Mine"})
    content = head(version).content
    left = {path for path in waiting if not path.startswith("intended_use.")} - {"model_details.name"}
    assert set(content["unaccepted"]) == left

    imports.take(name="other.md", raw=OTHER, about=version, by=owner)
    assert head(version).content["model_details"]["name"] == "Mine"
    assert head(version).content["intended_use"] == content["intended_use"]


def test_lineage_leaves_by_page_command_and_interface_and_needs_no_card(owner: User, as_user: AsUser) -> None:
    version = factories.version(dataset="loans")
    name, out = f"{version.model.slug}/{version.number}", StringIO()
    browser = as_user(owner)

    call_command("export_document", name, "--format", "prov", stdout=out, stderr=StringIO())
    page = browser.get(f"/models/{version.model.slug}/versions/{version.number}/export/prov/")
    rest = browser.get(f"/api/v1/models/{version.model.slug}/versions/{version.number}/export/prov/")

    assert (page.status_code, rest.status_code) == (200, 200)
    assert page.content == rest.content
    assert "attachment" in page["Content-Disposition"]
    for raw in (out.getvalue(), page.content):
        assert json.loads(raw)["prefix"]["cardinal"] == "urn:cardinal:lineage:"


def test_lineage_that_leaves_is_only_what_its_reader_sees(outsider: User, as_user: AsUser) -> None:
    version = factories.version(model=factories.model(shared=False))
    browser = as_user(outsider)

    for address in ("/models", "/api/v1/models"):
        path = f"{address}/{version.model.slug}/versions/{version.number}/export/prov/"
        assert browser.get(path).status_code == 404


def test_the_import_of_somebody_else_does_not_exist_for_an_outsider(outsider: User, as_user: AsUser) -> None:
    owner, version = factories.member("owner"), factories.version(model=factories.model(shared=False))
    factories.share(version.model, owner)
    one = factories.imported(about=version, by=owner)
    browser = as_user(outsider)

    for path in ("", "raw/", "report.json"):
        assert browser.get(f"/imports/{one.pk}/{path}").status_code == 404
    assert browser.post(f"/imports/{one.pk}/use/", {"into": "x/1"}).status_code == 404
    assert browser.get(f"/api/v1/imports/{one.pk}/").status_code == 404
