"""The editor: proposals are accepted by somebody, two people lose nothing, and what is typed stays until it is saved."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, transaction
from django.test import Client
from django.utils import timezone

from registry.actions import documents
from registry.documents.content import blank
from registry.models import Dataset, Draft, Figure, Revision, User, Version
from tests import factories

pytestmark = pytest.mark.django_db
AsUser = Callable[[User], Client]
PROPOSALS = [
    {
        "path": "model_details.architecture",
        "value": "Gradient boosting",
        "source": "run 7 parameter architecture",
    },
    {"path": "model_details.framework", "value": "scikit-learn 1.7", "source": "flavors in the MLmodel file"},
    {"path": "metrics.results", "value": [{"metric": "auc", "value": 0.9}], "source": "metrics of run 7"},
]


class Boxes(HTMLParser):
    """What a browser would send if the form of the editor were sent as it stands."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.sent: dict[str, str] = {}
        self.area = ""
        self.select = ""
        self.inside = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        name = given.get("name") or ""
        if tag == "form":
            self.inside = given.get("id") == "document-form"
        if not self.inside:
            return
        kind = given.get("type")
        if tag == "input" and (kind not in ("checkbox", "radio", "file") or "checked" in given):
            self.sent[name] = given.get("value") or ""
        elif tag == "textarea":
            self.area, self.sent[name] = name, ""
        elif tag == "select":
            self.select, self.sent[name] = name, ""
        elif tag == "option" and "selected" in given:
            self.sent[self.select] = given.get("value") or ""

    def handle_endtag(self, tag: str) -> None:
        self.area = "" if tag == "textarea" else self.area
        self.inside = self.inside and tag != "form"

    def handle_data(self, data: str) -> None:
        if self.area:
            self.sent[self.area] += data


def boxes(answer: Any) -> dict[str, str]:
    """The boxes of the page; a text area begins with a line break that belongs to the markup."""
    sent = Boxes(answer.content.decode()).sent
    return {
        name: value.removeprefix("\n").removeprefix("\r\n")
        for name, value in sent.items()
        if name != "csrfmiddlewaretoken"
    }


@pytest.fixture
def version(db: None) -> Version:
    version = factories.version()
    Version.objects.filter(pk=version.pk).update(proposals=PROPOSALS)
    return Version.objects.select_related("model").get(pk=version.pk)


@pytest.fixture
def editor(version: Version) -> str:
    return f"{version.get_absolute_url()}card/edit/"


def head(about: Version | Dataset) -> Revision:
    key = "document__version" if isinstance(about, Version) else "document__dataset"
    return Revision.objects.filter(**{key: about}).latest("number")


def rows(sent: dict[str, str]) -> list[str]:
    return [value for name, value in sent.items() if name.startswith("metrics.results-") and value]


class TestProposals:
    def test_a_first_card_holds_them_marked_with_their_source(
        self, version: Version, editor: str, owner: User, as_user: AsUser
    ) -> None:
        answer = as_user(owner).get(editor)

        assert boxes(answer)["model_details.architecture"] == "Gradient boosting"
        assert "from run 7 parameter architecture" in answer.content.decode()

    def test_saved_as_they_stand_they_are_proposals_still(
        self, version: Version, editor: str, owner: User, as_user: AsUser
    ) -> None:
        browser = as_user(owner)

        browser.post(editor, boxes(browser.get(editor)) | {"save": "1"})

        assert head(version).content["unaccepted"] == {one["path"]: one["source"] for one in PROPOSALS}
        again = browser.get(editor)
        assert "from metrics of run 7" in again.content.decode()
        sent = boxes(again) | {"caveats.caveats": "It drifts.", "save": "1"}
        browser.post(editor, sent)
        assert set(head(version).content["unaccepted"]) == {one["path"] for one in PROPOSALS}, (
            "marks survive a save"
        )

    def test_who_changes_one_accepts_it(
        self, version: Version, editor: str, owner: User, as_user: AsUser
    ) -> None:
        browser = as_user(owner)
        sent = boxes(browser.get(editor)) | {
            "model_details.architecture": "Trees",
            "metrics.results-0-value": "0.91",
        }

        browser.post(editor, sent)

        assert set(head(version).content["unaccepted"]) == {"model_details.framework"}

    def test_a_box_accepts_one_and_a_section_accepts_all_in_it(
        self, version: Version, editor: str, owner: User, as_user: AsUser
    ) -> None:
        browser = as_user(owner)
        sent: dict[str, Any] = boxes(browser.get(editor))

        browser.post(editor, sent | {"accept": "metrics.results"})
        assert set(head(version).content["unaccepted"]) == {
            "model_details.framework",
            "model_details.architecture",
        }
        browser.post(editor, boxes(browser.get(editor)) | {"accept": "model_details"})
        assert "unaccepted" not in head(version).content

    def test_what_was_ticked_stays_accepted_when_the_form_comes_back_with_an_error(
        self, version: Version, editor: str, owner: User, as_user: AsUser
    ) -> None:
        browser = as_user(owner)
        sent = boxes(browser.get(editor)) | {"accept": "metrics.results", "note": "x" * 301}

        again = boxes(browser.post(editor, sent)) | {"note": ""}
        assert boxes(browser.get(editor))["note"] == "x" * 301, "the draft"
        browser.post(editor, again)

        assert "metrics.results" not in head(version).content["unaccepted"]

    def test_a_form_that_forgets_what_was_proposed_accepts_nothing(
        self, version: Version, editor: str, owner: User, as_user: AsUser
    ) -> None:
        browser = as_user(owner)
        browser.post(editor, boxes(browser.get(editor)))

        for forged in ("", "nonsense"):
            sent = boxes(browser.get(editor)) | {
                "proposed": forged,
                "caveats.caveats": f"It drifts. {forged}",
            }
            browser.post(editor, sent)

            assert len(head(version).content["unaccepted"]) == 3

    def test_fill_keeps_what_was_typed_and_saves_nothing(
        self, version: Version, editor: str, owner: User, as_user: AsUser
    ) -> None:
        factories.save(version)
        browser = as_user(owner)
        sent = boxes(browser.get(editor)) | {
            "model_details.framework": "",
            "model_details.architecture": "Typed a moment ago",
            "note": "Half done",
            "fill": "1",
        }

        answer = browser.post(editor, sent)

        found = boxes(answer)
        assert found["model_details.architecture"] == "Typed a moment ago"
        assert found["model_details.framework"] == "scikit-learn 1.7"
        assert found["note"] == "Half done"
        assert "Filled from MLflow" in answer.content.decode()
        assert Revision.objects.count() == 1
        browser.post(editor, found)
        assert set(head(version).content["unaccepted"]) == {"model_details.framework"}


class TestTwoAtOnce:
    @pytest.fixture
    def late(
        self, version: Version, editor: str, owner: User, as_user: AsUser
    ) -> tuple[Client, dict[str, str]]:
        """Somebody opened the editor on revision 1; then another saved revision 2."""
        factories.save(version)
        browser = as_user(factories.member("owner", "late"))
        sent = boxes(browser.get(editor))
        content = factories.complete("card")
        content["caveats"]["caveats"] = "What the early one wrote."
        content["factors"]["relevant"] = "Only the early one knew."
        content["model_details"]["owners"] = ["The credit team", "Early"]
        documents.save(about=version, content=content, on_top_of=1, by=owner)
        return browser, sent

    def test_what_only_one_changed_merges_by_itself(
        self, version: Version, editor: str, late: tuple[Client, dict[str, str]]
    ) -> None:
        browser, sent = late
        changed = {"ethics.risks": "Only the late one knew.", "model_details.owners": "The credit team\nLate"}

        answer = browser.post(editor, sent | changed)

        found = boxes(answer)
        assert answer.status_code == 409
        assert found["factors.relevant"] == "Only the early one knew."
        assert found["ethics.risks"] == "Only the late one knew."
        assert found["model_details.owners"].splitlines() == ["The credit team", "Early", "Late"]
        assert found["caveats.caveats"] == "What the early one wrote."
        assert not [name for name in found if name.startswith("settle-")]
        assert browser.post(editor, found).status_code == 302
        assert head(version).number == 3
        assert head(version).content["ethics"]["risks"] == "Only the late one knew."

    @pytest.mark.parametrize(
        ("choice", "stands"), [("yours", "What the late one wrote."), ("theirs", "What the early one wrote.")]
    )
    def test_what_both_changed_is_chosen(
        self, version: Version, editor: str, late: tuple[Client, dict[str, str]], choice: str, stands: str
    ) -> None:
        browser, sent = late

        answer = browser.post(editor, sent | {"caveats.caveats": "What the late one wrote.", "note": "late"})
        found = boxes(answer)
        page = answer.content.decode()
        assert "Changed by both" in page
        assert "<del>early</del>" in page
        assert found["caveats.caveats"] == "What the late one wrote."
        assert found["settle-caveats.caveats"] == "yours"
        assert (found["note"], found["on_top_of"]) == ("late", "2")

        assert browser.post(editor, found | {"settle-caveats.caveats": choice}).status_code == 302
        assert head(version).content["caveats"]["caveats"] == stands

    def test_both_texts_go_into_the_box_to_be_edited_first(
        self, version: Version, editor: str, late: tuple[Client, dict[str, str]]
    ) -> None:
        browser, sent = late
        found = boxes(browser.post(editor, sent | {"caveats.caveats": "What the late one wrote."}))

        answer = browser.post(editor, found | {"settle-caveats.caveats": "both", "save": "1"})

        assert (answer.status_code, head(version).number) == (200, 2)
        assert boxes(answer)["caveats.caveats"].split() == [
            "What",
            "the",
            "early",
            "one",
            "wrote.",
            "What",
            "the",
            "late",
            "one",
            "wrote.",
        ]
        assert browser.post(editor, boxes(answer)).status_code == 302

    def test_what_was_chosen_can_be_looked_at_before_it_is_saved(
        self, editor: str, late: tuple[Client, dict[str, str]], version: Version
    ) -> None:
        browser, sent = late
        found = boxes(browser.post(editor, sent | {"caveats.caveats": "What the late one wrote."}))

        answer = browser.post(editor, found | {"settle-caveats.caveats": "theirs", "settle": "1"})

        assert boxes(answer)["caveats.caveats"] == "What the early one wrote."
        assert head(version).number == 2

    def test_an_error_in_a_stale_form_does_not_pass_it_off_as_a_fresh_one(
        self, version: Version, editor: str, late: tuple[Client, dict[str, str]]
    ) -> None:
        browser, sent = late

        answer = browser.post(editor, sent | {"note": "x" * 301, "caveats.caveats": "late"})

        assert boxes(answer)["on_top_of"] == "1"
        assert browser.post(editor, boxes(answer) | {"note": ""}).status_code == 409


class TestDrafts:
    def keep(self, browser: Client, editor: str, **typed: str) -> Any:
        return browser.post(
            f"{editor}draft/",
            boxes(browser.get(editor)) | {key.replace("__", "."): v for key, v in typed.items()},
        )

    def test_what_was_typed_is_back_when_the_editor_is_opened_again(
        self, editor: str, owner: User, as_user: AsUser
    ) -> None:
        browser = as_user(owner)

        assert self.keep(browser, editor, caveats__caveats="Half a sent").status_code == 204
        Draft.objects.update(saved_at=timezone.now() - timedelta(minutes=5))

        answer = as_user(owner).get(editor)
        assert boxes(answer)["caveats.caveats"] == "Half a sent"
        assert "Your unsaved text is back" in answer.content.decode()
        assert "5 minutes ago" in answer.content.decode()
        assert not Revision.objects.exists()

    def test_nobody_else_sees_it(self, editor: str, owner: User, as_user: AsUser) -> None:
        self.keep(as_user(owner), editor, caveats__caveats="Half a sent")

        assert boxes(as_user(factories.member("owner", "other")).get(editor))["caveats.caveats"] == ""

    def test_saving_deletes_it(self, editor: str, owner: User, as_user: AsUser) -> None:
        browser = as_user(owner)
        self.keep(browser, editor, caveats__caveats="Half a sent")

        browser.post(editor, boxes(browser.get(editor)) | {"save": "1"})

        assert not Draft.objects.exists()
        assert Revision.objects.get().content["caveats"]["caveats"] == "Half a sent"

    def test_one_that_arrives_after_the_save_is_none(
        self, version: Version, editor: str, owner: User, as_user: AsUser
    ) -> None:
        browser = as_user(owner)
        sent = boxes(browser.get(editor)) | {"caveats.caveats": "Done."}
        browser.post(editor, sent | {"save": "1"})

        assert browser.post(f"{editor}draft/", sent).status_code == 204

        assert not Draft.objects.exists()

    def test_it_can_be_discarded(self, editor: str, owner: User, as_user: AsUser) -> None:
        browser = as_user(owner)
        self.keep(browser, editor, caveats__caveats="Half a sent")

        assert browser.post(f"{editor}draft/", {"discard": "1"}).headers["Location"] == editor

        assert not Draft.objects.exists()

    @pytest.mark.parametrize(
        ("name", "text", "told"),
        [
            ("model_details.task", "x" * 301, "at most 300 characters"),
            ("caveats.caveats", "a\x00b", "Null characters are not allowed."),
            ("metrics.results-0-metric", "a\x00b", "NUL"),
            ("metrics.results-0-metric", "x" * 501, "Use at most 500 characters; these are 501."),
        ],
    )
    def test_what_cannot_be_saved_is_kept_and_shown_with_its_error(
        self, editor: str, owner: User, as_user: AsUser, name: str, text: str, told: str
    ) -> None:
        browser = as_user(owner)

        answer = browser.post(editor, boxes(browser.get(editor)) | {name: text, "ethics.risks": "Kept."})

        assert told in answer.content.decode()
        assert boxes(answer)["ethics.risks"] == "Kept."
        again = as_user(owner).get(editor)
        assert told in again.content.decode()
        assert boxes(again)["ethics.risks"] == "Kept."

    def test_a_full_table_is_saved_and_one_that_is_too_long_is_told(
        self, version: Version, editor: str, owner: User, as_user: AsUser
    ) -> None:
        browser = as_user(owner)
        sent = boxes(browser.get(editor)) | {f"metrics.results-{n}-metric": f"m{n}" for n in range(500)}

        assert browser.post(editor, sent).status_code == 302
        answer = browser.post(
            editor, boxes(browser.get(editor)) | {f"metrics.results-{n}-metric": f"m{n}" for n in range(520)}
        )

        assert "A table has at most 500 rows; these are 520." in answer.content.decode()
        assert "m519" in rows(boxes(answer))

    def test_a_draft_on_an_old_revision_says_so_and_is_merged(
        self, version: Version, editor: str, owner: User, as_user: AsUser
    ) -> None:
        factories.save(version)
        browser = as_user(owner)
        self.keep(browser, editor, caveats__caveats="Typed on revision 1")
        factories.save(version, mark="by another", by=factories.member("owner", "other"))

        answer = browser.get(editor)

        assert "saving shows both texts side by side" in answer.content.decode()
        assert browser.post(editor, boxes(answer)).status_code == 409

    def test_a_draft_is_as_long_as_a_request_at_most(self, version: Version, owner: User) -> None:
        with pytest.raises(DatabaseError, match="draft_is_not_endless"), transaction.atomic():
            Draft.objects.create(by=owner, version=version, typed="x" * 2_500_001)
        with pytest.raises(DatabaseError, match="draft_about_one_thing"), transaction.atomic():
            Draft.objects.create(by=owner, typed="x")

    def test_a_page_that_was_open_for_long_gets_a_fresh_token(
        self, editor: str, owner: User, as_user: AsUser
    ) -> None:
        assert len(as_user(owner).get(f"{editor}draft/").json()["token"]) == 64

    def test_datasheets_have_drafts_too(self, version: Version, owner: User, as_user: AsUser) -> None:
        address = f"{factories.training_data(version).get_absolute_url()}datasheet/edit/"
        browser = as_user(owner)

        browser.post(f"{address}draft/", boxes(browser.get(address)) | {"scope.people": "no"})

        page = browser.get(address)
        assert boxes(page)["scope.people"] == "no"
        assert 'data-applies="scope.people" data-unasked' in page.content.decode()


class TestPreview:
    def test_it_shows_what_is_typed_as_it_will_be_read_and_saves_nothing(
        self, editor: str, owner: User, as_user: AsUser
    ) -> None:
        browser = as_user(owner)
        sent = boxes(browser.get(editor)) | {
            "caveats.caveats": "It **drifts**. <script>x</script>",
            "preview": "1",
        }

        page = browser.post(editor, sent)

        assert "<strong>drifts</strong>" in page.content.decode()
        assert "<script>x" not in page.content.decode()
        assert boxes(page)["caveats.caveats"] == "It **drifts**. <script>x</script>"
        assert not Revision.objects.exists()
        part = browser.post(editor, sent, headers={"HX-Request": "true"}).content.decode()
        assert "<strong>drifts</strong>" in part
        assert "<html" not in part

    def test_what_cannot_be_previewed_comes_back_as_a_page_with_its_errors(
        self, editor: str, owner: User, as_user: AsUser
    ) -> None:
        browser = as_user(owner)
        sent = boxes(browser.get(editor)) | {"model_details.task": "x" * 301, "preview": "1"}

        answer = browser.post(editor, sent, headers={"HX-Request": "true"})

        assert answer.headers["HX-Retarget"] == "#main"
        assert "at most 300 characters" in answer.content.decode()


class TestFigures:
    def test_it_is_uploaded_with_the_form_described_and_taken_out_again(
        self, version: Version, editor: str, owner: User, as_user: AsUser
    ) -> None:
        browser = as_user(owner)
        upload = SimpleUploadedFile("roc.png", factories.picture(), "image/png")
        sent: dict[str, Any] = boxes(browser.get(editor)) | {
            "analyses.figures-upload": upload,
            "analyses.figures-new-caption": "ROC curve",
            "analyses.figures-new-alt": "It rises steeply.",
        }

        page = browser.post(editor, sent | {"more": "1"})

        figure = Figure.objects.get()
        assert not Revision.objects.exists(), "uploading is not saving"
        assert boxes(page)["analyses.figures-0-digest"] == figure.digest
        browser.post(editor, boxes(page))
        (kept,) = head(version).content["analyses"]["figures"]
        assert kept == {"digest": figure.digest, "caption": "ROC curve", "alt": "It rises steeply."}
        shown = browser.get(head(version).get_absolute_url()).content.decode()
        assert f'src="{figure.get_absolute_url()}" alt="It rises steeply."' in shown
        browser.post(editor, boxes(browser.get(editor)) | {"analyses.figures-remove": figure.digest})
        assert head(version).content["analyses"]["figures"] == []

    def test_what_is_no_picture_is_said_at_its_field_and_its_words_stay(
        self, editor: str, owner: User, as_user: AsUser
    ) -> None:
        browser = as_user(owner)
        upload = SimpleUploadedFile("roc.png", b"<svg/>", "image/png")

        page = browser.post(
            editor,
            boxes(browser.get(editor))
            | {"analyses.figures-upload": upload, "analyses.figures-new-alt": "It rises."},
        )

        assert "This is neither a PNG nor a JPEG file" in page.content.decode()
        assert boxes(page)["analyses.figures-new-alt"] == "It rises."
        assert not Revision.objects.exists()


def test_two_revisions_are_chosen_from_the_history_and_compared(
    version: Version, owner: User, as_user: AsUser
) -> None:
    factories.save(version)
    content = factories.complete("card", "second")
    content["metrics"]["results"].append({"metric": "f1", "value": "0.7"})
    revision = documents.save(about=version, content=content, on_top_of=1, by=owner)
    browser = as_user(owner)
    history = f"/documents/{revision.document_id}/revisions/"

    assert "Revision 2" in browser.get(history).content.decode()
    answer = browser.get(history, {"from": "1", "to": "2"}, follow=True)
    page = answer.content.decode()

    assert "<ins>second </ins>" in page or "<ins>second" in page
    assert "Results, row by row" in page
    assert '<tr data-change="added">' in page
    assert browser.get(history, {"from": "1", "to": "nonsense"}).status_code == 200
    assert browser.get(history, {"from": "1", "to": "99"}, follow=True).status_code == 404


def test_a_blank_document_has_no_revision_to_be_compared_with() -> None:
    assert blank("card")["schema"] == "cardinal/card/1"
