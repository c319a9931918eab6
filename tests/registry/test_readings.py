"""Which models have read which data, by whatever door versions and runs change, and whoever changes them at once."""

from __future__ import annotations

import threading

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.utils import timezone

from registry.actions import catalogue
from registry.models import Dataset, DatasetSnapshot, Model, Reading, RunInput, User, Version
from registry.models.readings import differences, rebuild
from tests import factories
from tests.governance.test_clearance import wait_until_somebody_waits_for_us


def read_by(model: Model) -> set[str]:
    """The names of the datasets of the model's readings."""
    return set(Reading.objects.filter(model=model).values_list("dataset__name", flat=True))


def register(model: Model, number: int, run: object) -> Version:
    return catalogue.register_version(
        model=model,
        number=number,
        registered_at=timezone.now(),
        run=run,  # type: ignore[arg-type]
        facts={"source": "models:/m-1", "status": "READY"},
        by=User.machine(),
    )


@pytest.mark.django_db
class TestReadings:
    def test_a_version_brings_what_its_run_has_read_and_a_second_one_nothing_twice(self) -> None:
        one = factories.version(dataset="loans")
        register(one.model, 2, one.run)
        register(one.model, 3, factories.run(server=one.model.server, dataset="defaults"))

        assert read_by(one.model) == {"loans", "defaults"}
        assert Reading.objects.filter(model=one.model).count() == 2
        assert differences() == []

    def test_what_a_run_is_said_to_have_read_later_counts_for_all_its_models(self) -> None:
        one, other = factories.version(dataset="loans"), factories.version(dataset="claims")
        RunInput.objects.create(run=one.run, snapshot=other.run.inputs.get().snapshot)

        assert read_by(one.model) == {"loans", "claims"}
        assert read_by(other.model) == {"claims"}
        assert differences() == []

    def test_what_is_taken_back_or_moved_by_hand_is_followed(self) -> None:
        one, other = factories.version(dataset="loans"), factories.version(dataset="claims")
        there = factories.model()

        Version.objects.filter(pk=one.pk).update(run=other.run)
        assert read_by(one.model) == {"claims"}
        assert differences() == []
        Version.objects.filter(pk=one.pk).update(model=there)
        assert (read_by(one.model), read_by(there)) == (set(), {"claims"})
        DatasetSnapshot.objects.filter(uses__run=other.run).update(dataset=Dataset.objects.get(name="loans"))
        assert (read_by(there), read_by(other.model)) == ({"loans"}, {"loans"})
        assert differences() == []
        RunInput.objects.filter(run=other.run).delete()
        assert not Reading.objects.exists()
        assert differences() == []

    def test_the_command_tells_of_a_reading_that_somebody_bent_and_mends_it(self) -> None:
        one = factories.version(dataset="loans")
        Reading.objects.filter(model=one.model).delete()

        assert differences() == [f"{one.model.slug} and loans"]
        with pytest.raises(CommandError, match=f"{one.model.slug} and loans"):
            call_command("reindex", "--check")
        call_command("reindex")
        call_command("reindex", "--check")
        assert rebuild() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_who_add_a_version_and_an_input_to_one_run_at_once_the_later_sees_the_other() -> None:
    """Neither sees the other's row when it begins: without queueing at the run, nobody would write the reading."""
    one, other = factories.version(dataset="loans"), factories.version(dataset="claims")
    model, failures = factories.model(), []

    def say() -> None:
        try:
            RunInput.objects.create(run=one.run, snapshot=other.run.inputs.get().snapshot)
        except Exception as failure:  # noqa: BLE001 - told below
            failures.append(failure)
        finally:
            connection.close()

    later = threading.Thread(target=say)
    with transaction.atomic():
        register(model, 1, one.run)
        later.start()
        wait_until_somebody_waits_for_us()
    later.join(30)

    assert failures == []
    assert read_by(model) == {"loans", "claims"}
    assert differences() == []
