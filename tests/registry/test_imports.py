"""Imports: kept as they came, used once, and never over what a person wrote."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.test import Client

from audit.models import Entry
from registry.actions import documents, imports
from registry.documents.content import blank
from registry.errors import Conflict, Invalid, Missing, Refused
from registry.models import Dataset, Import, Revision, User, Version
from tests import factories

AsUser = Callable[[User], Client]
pytestmark = pytest.mark.django_db
CROISSANT = json.dumps(
    {"@context": {}, "@type": "Dataset", "name": "loans", "description": "Loans."}
).encode()


@pytest.fixture(autouse=True)
def _files(tmp_path: Path, settings: Any) -> None:
    options = {"location": str(tmp_path / "media")}
    settings.STORAGES = settings.STORAGES | {"default": settings.STORAGES["default"] | {"OPTIONS": options}}


@pytest.fixture
def version(db: None) -> Version:
    return factories.version()


@pytest.fixture
def dataset(version: Version) -> Dataset:
    return factories.training_data(version)


class TestVerbs:
    def test_a_file_is_kept_as_it_came_with_an_account_of_it(self, owner: User) -> None:
        one = factories.imported()

        assert one.raw() == factories.README.encode()
        assert (one.format, one.kind, one.size, one.about) == ("huggingface", "card", len(one.raw()), None)
        assert {leaf["outcome"] for leaf in one.report} == {"mapped", "kept", "dropped"}
        assert one.unmapped == {"/front matter/widget/0/text": "7"}
        entry = Entry.objects.get(kind="import.taken")
        assert (entry.actor, entry.facts["facts"]["digest"]) == ("owner", one.digest)

    def test_the_same_bytes_are_kept_once(self, owner: User) -> None:
        first, second = factories.imported(), factories.imported()

        assert first.place == second.place
        folder = first.place.rpartition("/")[0]
        assert default_storage.listdir(folder)[1] == [first.digest]

    def test_what_it_says_is_proposed_and_waits_to_be_accepted(self, version: Version, owner: User) -> None:
        one = factories.imported(about=version)

        assert one.revision is not None
        content = one.revision.content
        assert content["intended_use"]["uses"] == "Sorting post."
        assert content["unaccepted"]["intended_use.uses"].startswith("the file README.md (sha256 ")
        assert one.revision.note == "Imported from README.md"
        assert Entry.objects.get(kind="import.used").facts["facts"]["proposed"] == len(content["unaccepted"])

    def test_what_a_person_wrote_is_never_touched(self, version: Version, owner: User) -> None:
        content = blank("card")
        content["intended_use"]["uses"] = "What a person wrote."
        documents.save(about=version, content=content, on_top_of=0, by=owner)

        one = factories.imported(about=version)

        assert one.revision is not None
        assert one.revision.number == 2
        assert one.revision.content["intended_use"]["uses"] == "What a person wrote."
        assert "intended_use.uses" not in one.revision.content["unaccepted"]
        assert one.revision.content["model_details"]["licence"] == "mit"

    def test_an_import_that_waits_is_used_once(self, version: Version, owner: User) -> None:
        one = factories.imported()

        imports.use(one=one, about=version, by=owner)

        assert Import.objects.get(pk=one.pk).version == version
        with pytest.raises(Conflict, match="was used for"):
            imports.use(one=Import.objects.get(pk=one.pk), about=version, by=owner)

    def test_a_datasheet_is_for_a_dataset_and_a_card_for_a_version(
        self, version: Version, dataset: Dataset, owner: User
    ) -> None:
        sheet = imports.take(name="c.json", raw=CROISSANT, about=dataset, by=owner)

        assert sheet.revision is not None
        assert sheet.revision.content["identity"]["description"] == "Loans."
        with pytest.raises(Invalid, match="choose a dataset"):
            imports.take(name="c.json", raw=CROISSANT, about=version, by=owner)
        with pytest.raises(Invalid, match="choose a version"):
            factories.imported(about=dataset)

    def test_a_pipeline_belongs_to_a_version_and_fills_no_document(
        self, version: Version, owner: User
    ) -> None:
        raw = b"schema: '2.0'\nstages:\n  train:\n    cmd: python train.py\n"

        one = imports.take(name="dvc.lock", raw=raw, about=version, by=owner)

        assert (one.kind, one.version, one.revision) == ("pipeline", version, None)
        assert not Revision.objects.exists()

    def test_a_file_that_cannot_be_read_leaves_nothing(self, owner: User) -> None:
        with pytest.raises(Invalid, match="NUL"):
            imports.take(name="x", raw=b"\x00", by=owner)

        assert not Import.objects.exists()
        assert not Entry.objects.filter(kind="import.taken").exists()

    def test_whoever_may_not_write_may_not_import(
        self, version: Version, reviewer: User, outsider: User
    ) -> None:
        for who, error in ((reviewer, Refused), (outsider, Missing)):
            with pytest.raises(error):
                factories.imported(about=version, by=who)

    def test_an_import_is_seen_by_its_taker_by_those_who_see_its_target_and_by_those_who_see_all(
        self, version: Version, owner: User, reviewer: User, auditor: User, outsider: User
    ) -> None:
        waiting, used = factories.imported(), factories.imported(about=version)

        def seen(user: User) -> set[Import]:
            return set(Import.objects.visible_to(user))

        assert seen(owner) == {waiting, used}
        assert seen(auditor) == {waiting, used}
        assert seen(reviewer) == {used}
        assert seen(factories.member("owner", "other")) == {used}
        assert seen(outsider) == set()


class TestDatabase:
    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE registry_import SET report = '[]'",
            "UPDATE registry_import SET digest = repeat('0', 64)",
            "UPDATE registry_import SET taken_at = now() - interval '1 day'",
            "UPDATE registry_import SET unmapped = '{}', version_id = NULL",
            "DELETE FROM registry_import",
        ],
    )
    def test_what_was_taken_never_changes(self, statement: str, owner: User) -> None:
        factories.imported()

        self.refused(statement)

    def test_an_import_is_not_used_twice(self, version: Version, owner: User) -> None:
        factories.imported(about=version)

        self.refused("UPDATE registry_import SET version_id = NULL, revision_id = NULL")

    def test_a_card_is_not_for_a_dataset(self, dataset: Dataset, owner: User) -> None:
        factories.imported()

        self.refused(f"UPDATE registry_import SET dataset_id = {dataset.pk}")

    def refused(self, statement: str) -> None:
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


def run(*arguments: str) -> tuple[str, str, int]:
    """(standard output, standard error, exit status)."""
    out, err = StringIO(), StringIO()
    try:
        call_command(*arguments, stdout=out, stderr=err)
    except CommandError as error:
        return out.getvalue(), f"CommandError: {error}", error.returncode
    except SystemExit as error:
        return out.getvalue(), err.getvalue(), int(error.code or 0)
    return out.getvalue(), err.getvalue(), 0


class TestCommands:
    @pytest.fixture
    def readme(self, tmp_path: Path) -> Path:
        path = tmp_path / "README.md"
        path.write_text(factories.README)
        return path

    def test_it_prints_the_account(self, readme: Path) -> None:
        out, _, status = run("import_document", str(readme))

        assert status == 0
        for part in (
            "Mapped: 5",
            "Kept unmapped: 1",
            "Dropped: 1",
            "/front matter/widget/0/text",
            "waits on the page Imports",
        ):
            assert part in out

    def test_it_prints_one_json_object(self, readme: Path, version: Version) -> None:
        into = f"{version.model.slug}/1"
        out, _, status = run(
            "import_document",
            str(readme),
            "--json",
            "--into",
            into,
            "--by",
            factories.member("owner").username,
        )

        told = json.loads(out)
        assert status == 0
        assert (told["imported"], told["format"], told["revision"], told["into"]) == (
            True,
            "huggingface",
            1,
            into,
        )
        assert told["counts"] == {"mapped": 5, "kept": 1, "dropped": 1}
        assert len(told["report"]) == 7
        assert Import.objects.get().version == version

    def test_a_dry_run_writes_nothing_and_needs_no_target(self, readme: Path) -> None:
        out, _, status = run("import_document", str(readme), "--dry-run", "--json")

        assert (status, json.loads(out)["imported"]) == (0, False)
        assert "intended_use.uses" in json.loads(out)["proposals"]
        assert not Import.objects.exists()
        assert not Entry.objects.filter(kind__startswith="import").exists()

    def test_it_says_what_exists_here_under_the_name_in_the_file(self, readme: Path) -> None:
        version = factories.version(model=factories.model(name="Digit reader"))

        out, _, _ = run("import_document", str(readme), "--dry-run")

        assert f"--into {version.model.slug}/1" in out

    @pytest.mark.parametrize("as_json", [False, True])
    @pytest.mark.parametrize(
        ("raw", "arguments", "reason"),
        [
            (None, [], "There is no file"),
            (b"\x00\x01", [], "NUL"),
            (b"", [], "empty"),
            (b"{", [], "not JSON"),
            (b"x" * 5_000_001, [], "MB"),
            (b"---\nx: !!python/object/apply:os.system [ls]\n---\n", [], "tag"),
            (b"# x", ["--into", "nothing/1"], "There is no version"),
            (b"# x", ["--into", "nothing"], "There is no dataset"),
            (b"# x", ["--by", "nobody"], "There is no account"),
            (b"# x", ["--format", "toolkit"], "JSON"),
            (b"# x", ["--format", "nonsense"], "There is no format"),
        ],
    )
    def test_it_refuses_with_the_reason(
        self, raw: bytes | None, arguments: list[str], reason: str, as_json: bool, tmp_path: Path
    ) -> None:
        path = tmp_path / "file"
        if raw is not None:
            path.write_bytes(raw)

        out, err, status = run("import_document", str(path), *arguments, *(["--json"] if as_json else []))

        assert status == 1
        assert reason in err
        assert not out or reason in json.loads(out)["reason"]
        assert bool(out) == as_json
        assert not Import.objects.exists()

    def test_a_folder_is_refused(self, tmp_path: Path) -> None:
        assert run("import_document", str(tmp_path))[1:] == (
            f"CommandError: {tmp_path} is a folder; name a file.",
            1,
        )

    def test_export_writes_the_latest_revision(self, version: Version, tmp_path: Path) -> None:
        factories.save(version)
        name, path = f"{version.model.slug}/1", tmp_path / "card.json"

        out, _, status = run("export_document", name, "--format", "own")
        assert (status, json.loads(out)["schema"]) == (0, "cardinal/card/1")
        assert run("export_document", name, "--format", "huggingface", "-o", str(path))[2] == 0
        assert "# Model Card for" in path.read_text()

    @pytest.mark.parametrize(
        ("name", "form", "reason"),
        [
            ("x/1", "own", "There is no version"),
            ("x", "own", "There is no dataset"),
            ("{}", "nonsense", "There is no format"),
            ("{}", "own", "has no card"),
        ],
    )
    def test_export_refuses_with_the_reason(
        self, name: str, form: str, reason: str, version: Version
    ) -> None:
        if form == "nonsense":
            factories.save(version)

        out, err, status = run("export_document", name.format(f"{version.model.slug}/1"), "--format", form)

        assert (out, status) == ("", 1)
        assert reason in err


def upload(raw: bytes = factories.README.encode(), name: str = "README.md") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, raw)


class TestPages:
    def test_an_upload_for_a_version_leads_to_its_account(
        self, version: Version, owner: User, as_user: AsUser
    ) -> None:
        answer = as_user(owner).post(
            "/imports/new/", {"file": upload(), "into": f"{version.model.slug}/1"}, follow=True
        )

        assert answer.status_code == 200
        assert "Accept what it proposes" in answer.content.decode()
        assert Import.objects.get().version == version

    @pytest.mark.parametrize(
        ("data", "sentence"),
        [
            ({"file": upload(b"\x00")}, "NUL"),
            ({"file": upload(b"")}, "empty"),
            ({}, "This field is required"),
            ({"file": upload(b"x" * 5_000_001)}, "at most 5 MB"),
            ({"file": upload(), "into": "no/1"}, "There is no version"),
            ({"file": upload(CROISSANT), "into": "{version}"}, "choose a dataset"),
        ],
    )
    def test_what_is_wrong_stands_at_the_field_and_nothing_typed_is_lost(
        self, data: dict[str, Any], sentence: str, version: Version, owner: User, as_user: AsUser
    ) -> None:
        into = data.get("into", "").format(version=f"{version.model.slug}/1")
        for value in data.values():
            if hasattr(value, "seek"):
                value.seek(0)

        answer = as_user(owner).post("/imports/new/", data | {"into": into})

        page = answer.content.decode()
        assert answer.status_code == 400
        assert sentence in page
        assert f'value="{into}"' in page or not into
        assert not Import.objects.exists()

    def test_a_waiting_import_is_used_from_its_page(
        self, version: Version, owner: User, as_user: AsUser
    ) -> None:
        one = factories.imported()
        browser = as_user(owner)

        wrong = browser.post(f"/imports/{one.pk}/use/", {"into": "no/1"})
        assert wrong.status_code == 400
        assert "There is no version" in wrong.content.decode()
        browser.post(f"/imports/{one.pk}/use/", {"into": f"{version.model.slug}/1"})
        assert Import.objects.get().version == version

    def test_the_raw_file_is_a_download_and_never_shown(self, owner: User, as_user: AsUser) -> None:
        one = imports.take(name='x"<b>.html', raw=b"<script>alert(1)</script>", by=owner)

        answer = as_user(owner).get(f"/imports/{one.pk}/raw/")

        assert answer.content == b"<script>alert(1)</script>"
        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert answer.headers["Content-Disposition"] == 'attachment; filename="xb.html"'
        assert answer.headers["X-Content-Type-Options"] == "nosniff"

    def test_others_find_nothing(
        self, version: Version, owner: User, outsider: User, as_user: AsUser
    ) -> None:
        one = factories.imported(about=version)
        factories.save(version, on_top_of=1)
        browser = as_user(outsider)

        for place in (
            f"/imports/{one.pk}/",
            f"/imports/{one.pk}/raw/",
            f"/imports/{one.pk}/report.json",
            f"/models/{version.model.slug}/versions/1/export/own/",
        ):
            assert browser.get(place).status_code == 404
        assert browser.post(f"/imports/{one.pk}/use/", {"into": "x/1"}).status_code == 404

    def test_every_format_of_the_export_menu_is_a_download(
        self, version: Version, dataset: Dataset, owner: User, as_user: AsUser
    ) -> None:
        factories.save(version)
        factories.save(dataset)
        browser = as_user(owner)
        tab = browser.get(f"/models/{version.model.slug}/versions/1/card/").content.decode()
        sheet = browser.get(f"/datasets/{dataset.slug}/").content.decode()

        for page, count in ((tab, 5), (sheet, 3)):
            links = [part.split('"')[0] for part in page.split('href="') if "/export/" in part.split('"')[0]]
            assert len(links) >= count
            for link in links:
                answer = browser.get(link)
                assert answer.status_code == 200
                assert answer.headers["Content-Disposition"].startswith("attachment")


class TestInterface:
    def test_a_file_comes_in_a_form_or_as_it_is(self, version: Version, owner: User, as_user: AsUser) -> None:
        browser, into = as_user(owner), f"{version.model.slug}/1"

        form = browser.post("/api/v1/imports/", {"file": upload()})
        plain = browser.post(
            f"/api/v1/imports/?name=dvc.lock&into={into}",
            b"stages:\n  a:\n    cmd: x\n",
            content_type="application/octet-stream",
        )

        assert (form.status_code, plain.status_code) == (201, 201)
        assert form.json()["counts"] == {"mapped": 5, "kept": 1, "dropped": 1}
        assert (plain.json()["kind"], plain.json()["into"]) == ("pipeline", into)
        listed = browser.get("/api/v1/imports/").json()["results"]
        assert [one["name"] for one in listed] == ["dvc.lock", "README.md"]

    def test_a_waiting_import_is_used_once(self, version: Version, owner: User, as_user: AsUser) -> None:
        one, browser = factories.imported(), as_user(owner)
        place, body = f"/api/v1/imports/{one.pk}/use/", {"into": f"{version.model.slug}/1"}

        first, second = (browser.post(place, body, content_type="application/json") for _ in range(2))

        assert (first.status_code, first.json()["revision"], second.status_code) == (200, 1, 409)

    def test_a_file_that_cannot_be_read_is_a_problem_with_the_reason(
        self, owner: User, as_user: AsUser
    ) -> None:
        answer = as_user(owner).post("/api/v1/imports/", b"\x00", content_type="application/octet-stream")
        large = as_user(owner).post(
            "/api/v1/imports/", b"x" * 5_000_001, content_type="application/octet-stream"
        )

        assert answer.status_code == 400
        assert "NUL" in answer.json()["errors"]["file"][0]
        assert large.status_code == 413

    def test_documents_leave_by_the_interface(
        self, version: Version, dataset: Dataset, owner: User, as_user: AsUser
    ) -> None:
        factories.save(version)
        browser = as_user(owner)

        card = browser.get(f"/api/v1/models/{version.model.slug}/versions/1/export/cyclonedx-1.6/")
        assert card.headers["Content-Type"] == "application/vnd.cyclonedx+json"
        assert card.json()["bomFormat"] == "CycloneDX"
        assert (
            browser.get(f"/api/v1/datasets/{dataset.slug}/export/croissant-1.1/").status_code == 404
        )  # nobody has written one
        assert (
            browser.get(f"/api/v1/models/{version.model.slug}/versions/1/export/croissant-1.1/").status_code
            == 404
        )
