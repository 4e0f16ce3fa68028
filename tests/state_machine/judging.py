"""What a run may have done, given what happened to it on its way."""

from dataclasses import dataclass
from datetime import date, datetime
from math import ceil

from kalends.model.connection import ErrorReason, Status
from kalends.store.runs import Outcome, Run
from kalends.store.tables import groups, items, occurrences, passes
from tests.state_machine.course import FAILURES, Course, Fault
from tests.state_machine.model import Model
from tests.state_machine.plugin import Mark
from tests.state_machine.stored import Stored


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What decides which events are placed anew although they are as they were."""

    day: date
    zone: str


@dataclass
class Beginning:
    """How things were when a run began."""

    stored: Stored
    tick: int
    told: dict[str, int]
    surroundings: Surroundings
    paused: bool = False

    def changed(self, model: Model, calendar_id: str) -> set[str]:
        """Return the keys of a calendar that the run could not know."""
        return set(model.account.calendars[calendar_id].changed(self.told.get(calendar_id, 0), model.account.tick))


def judge(model: Model, run: Run, course: Course, before: Beginning, after: Stored) -> None:
    """Hold a run that came to its end against the rules, and note in the model what it found."""
    failing = course.fired and course.plan.fault in FAILURES
    gone = bool(model.imported) and not any(model.account.calendars[one].exists for one in model.imported)
    if failing:
        assert run.outcome is Outcome.FAILED, f"rule 1: {course.plan.fault} counts as success"
    elif not before.paused and course.plan.fault is not Fault.CURSOR_REFUSED:
        expected = Outcome.FAILED if model.import_on and (model.refused or gone) else Outcome.DONE
        assert run.outcome is expected, f"the run is {run.outcome}: {run.error}"
    if run.outcome is Outcome.DONE:
        _judge_success(model, course, before, after)
    else:
        _judge_failure(course, before, after)
    if not before.paused:
        _judge_gone(model, before, after)
    assert after.connection["done_rev"] == before.stored.connection["wanted_rev"], "it is not done what was asked for"
    reason = after.connection["error_reason"]
    if run.outcome is Outcome.DONE:
        model.broken = model.acknowledged = False
    elif reason in {ErrorReason.TOKEN_REVOKED, ErrorReason.EXTERNAL_CALENDAR_DELETED}:
        model.broken = True
    elif not before.paused:
        final = course.plan.fault is Fault.REFUSED if failing else model.refused or gone
        assert not final, f"rule 11: the connection is {after.connection['status']}, {reason}"


def _judge_success(model: Model, course: Course, before: Beginning, after: Stored) -> None:
    row = after.connection
    assert row["status"] == Status.SYNCED, f"the run was good, and the status is {row['status']}"
    assert (row["failures"], row["error_reason"], row["lease_owner"]) == (0, None, None)
    assert row["acknowledgement"] is None, "rule 11: what is acknowledged is over, and would be passed over again"
    if before.paused or course.plan.fault is Fault.SAME_CURSOR:
        return
    for calendar_id in sorted(model.imported):
        reading = after.reading(calendar_id)
        if not model.account.calendars[calendar_id].exists:
            assert reading is None, f"rule 2: {calendar_id} is gone, and what was read of it is not"
            continue
        assert reading is not None, f"{calendar_id} was read, and nobody knows"
        resumed = before.stored.of(passes, calendar_id)
        if reading["doubted_at"] is None and not resumed:
            assert reading["cursor"] is not None, f"rule 1: {calendar_id} was not read to its end"
            assert Mark.of(reading["cursor"]).upto == before.tick, f"rule 1: {calendar_id} was not read to its end"


def _judge_failure(course: Course, before: Beginning, after: Stored) -> None:
    good_before, good_after = (one.connection["last_good_read_at"] for one in (before.stored, after))
    assert good_before == good_after, "rule 1: a failed run counts as a good read"
    if course.fired and course.fired_at is not None:
        was, now = (one.reading(course.fired_at) for one in (before.stored, after))
        if now is not None:
            assert now["last_good_at"] == (was and was["last_good_at"]), "rule 1: a failed reading counts as good"
            assert now["cursor"] in {None, was and was["cursor"]}, "rule 1: a failed reading moves the cursor"


def _judge_gone(model: Model, before: Beginning, after: Stored) -> None:
    for calendar_id, row in after.calendars.items():
        was = before.stored.calendars.get(calendar_id)
        newly = row["gone_at"] is not None and (was is None or was["gone_at"] is None)
        there = model.was_there(calendar_id, before.tick)
        assert not (newly and there), f"rule 1: {calendar_id} is there, and said to be gone"


def judge_cost(model: Model, course: Course, before: Beginning, after: Stored, settled: Surroundings | None) -> None:
    """Hold what an undisturbed, successful run wrote and asked against what had changed (rules 3 and 12).

    `settled` are the surroundings in which the run before was successful.
    """
    if settled != before.surroundings or not _was_known(model, before):
        return
    # where nothing is chosen the account is asked for its calendars each time: silence would be no answer
    requests = 1 if model.imported else 2
    for calendar_id in sorted(model.imported):
        changed = before.changed(model, calendar_id)
        reading = before.stored.reading(calendar_id)
        assert reading is not None
        remote = model.account.calendars[calendar_id]
        full = Mark.of(reading["cursor"]).generation != remote.generation
        written = before.stored.written(after, calendar_id, items, stamps=not full)
        assert written <= changed, f"rules 3 and 12: {written - changed} of {calendar_id} did not change"
        rewritten = remote.rewritten(before.told[calendar_id])
        for table in (groups, occurrences):
            written = before.stored.written(after, calendar_id, table)
            assert written <= rewritten, f"rule 3: {written - rewritten} of {calendar_id} is as it was ({table.name})"
        told = len(remote.held) if full and model.account.redelivers else len(changed)
        requests += 2 + (1 if full else 0) + 1 + ceil(told / model.account.page)
    if not model.account.redelivers:
        asked = len(course.handed_out)
        most = sum(len(before.changed(model, one)) for one in model.imported)
        assert asked <= most, f"rule 12: {asked} events were asked for, and {most} had changed"
    assert course.requests <= requests, f"rule 12: {course.requests} requests, where {requests} are enough"
    assert before.stored.rows["calendars"] == after.rows["calendars"], "rule 3: no calendar has changed"


def _was_known(model: Model, before: Beginning) -> bool:
    """Tell whether all calendars were read in full before, with nothing begun or doubted since."""
    for calendar_id in sorted(model.imported):
        reading = before.stored.reading(calendar_id)
        known = reading is not None and reading["cursor"] is not None and reading["doubted_at"] is None
        if not known or before.stored.of(passes, calendar_id) or not model.account.calendars[calendar_id].exists:
            return False
    return True


def surroundings(now: datetime, zone: str) -> Surroundings:
    """Return the present surroundings."""
    return Surroundings(now.date(), zone)
