"""Event → sentence. A dictionary, so that an auditor can read the whole vocabulary on one page.

Each phrase gets the facts of the entry (plain values, as written in the trail) and the actor's name.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

Facts = dict[str, Any]
ENDED = (".”", "?”", "!”")  # what somebody wrote has ended the sentence already


class UnknownEvent(KeyError):
    """An entry of a kind that has no phrase."""


def sentence(body: Facts) -> str:
    """The entry `body` (kind, by, facts) as one English sentence. An unknown kind raises."""
    kind = body["kind"]
    if kind not in PHRASES:
        raise UnknownEvent(kind)
    said = PHRASES[kind](body["facts"])
    return f"{body['by']['name']} {said}{'' if said.endswith(ENDED) else '.'}"


def short(digest: str) -> str:
    """The first twelve digits of a digest."""
    return digest[:12]


def moment(text: str) -> str:
    """A time of the facts as pages and letters write it, whatever its offset. What is none is told as it stands."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return text
    return f"{(at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _name(value: Any) -> str:
    return str(value["name"]) if isinstance(value, dict) else str(value)


def _quoted(text: str) -> str:
    return f": “{text}”" if text else ""


def _brief(text: str) -> str:
    """At most 120 characters; the facts of the entry hold all of it."""
    return text if len(text) <= 120 else f"{text[:119]}…"


def _waits(facts: Facts) -> str:
    """Entries of before there was a second person do not say."""
    return "; it waits for a second person" if facts.get("waits") else ""


def _tail(text: str) -> str:
    return text.rstrip(".")


def _here(facts: Facts) -> bool:
    """Moved from Cardinal. Entries of before the ledger do not say, and were all seen in the tracking server."""
    return facts.get("seen_by") == "here"


def _hand(facts: Facts) -> str:
    return "moved" if _here(facts) else "saw"


def _control(facts: Facts) -> str:
    return ", a change outside control" if facts.get("seen_by") in ("hook", "reconcile") else ""


def _absent(facts: Facts) -> str:
    """Entries of before there were absences do not say."""
    return f" in place of {facts['in_place_of']}" if facts.get("in_place_of") else ""


PHRASES: dict[str, Callable[[Facts], str]] = {
    "account.changed": lambda f: (
        f"{'made' if f['created'] else 'changed'} the account {_name(f['account'])}: {f['state']}, roles {f['roles']}"
    ),
    "role.given": lambda f: (
        f"gave {_name(f['account'])} the role {f['role']}"
        + (f" until {moment(f['until'])}" if f["until"] else "")
        + _quoted(f["reason"])
    ),
    "role.taken": lambda f: f"took the role {f['role']} from {_name(f['account'])}",
    "account.switched_off": lambda f: (
        f"switched off the account {_name(f['account'])} and ended {f['count']} of its tokens"
        + (f"; {f['successor']} takes over" if f["successor"] else "")
        + _quoted(_brief(f["reason"]))
    ),
    "account.switched_on": lambda f: (
        f"switched on the account {_name(f['account'])}{_quoted(_brief(f['reason']))}"
    ),
    "team.made": lambda f: f"made the team {_name(f['team'])}, which policies call {f['handle']}",
    "team.edited": lambda f: (
        f"changed the {f['field']} of the team {_name(f['team'])} from “{_brief(f['before'])}” to “{_brief(f['after'])}”"
    ),
    "team.joined": lambda f: (
        f"put {_name(f['account'])} into the team {_name(f['team'])}{' as a lead' if f['lead'] else ''}"
    ),
    "team.left": lambda f: f"took {_name(f['account'])} out of the team {_name(f['team'])}",
    "team.archived": lambda f: (
        f"archived the team {_name(f['team'])} with {f['count']} members{_quoted(_brief(f['reason']))}"
    ),
    "role.lapsed": lambda f: f"saw the time of {_name(f['account'])} as {f['role']} end",
    "server.added": lambda f: f"began to follow the tracking server {_name(f['server'])}",
    "server.moved": lambda f: (
        f"moved the tracking server {_name(f['server'])} from {f['previous']} to {f['uri']}"
    ),
    "server.synced": lambda f: (
        f"read {f['models_added']} new models and {f['versions_added']} new versions from {_name(f['server'])}"
    ),
    "server.credentials_set": lambda f: (
        f"set the credentials for the tracking server {_name(f['server'])}: {f['credentials']}"
    ),
    "server.authority_set": lambda f: (
        f"set the certificates to trust for the tracking server {_name(f['server'])}: {f['authority']}"
    ),
    "server.credentials_rotated": lambda f: (
        f"sealed {f['count']} stored secret{'s' if f['count'] != 1 else ''} again with the first key"
    ),
    "server.deliveries_forgotten": lambda f: (
        f"deleted {f['count']} webhook deliver{'ies' if f['count'] != 1 else 'y'} from before {f['before']}"
    ),
    "server.paused": lambda f: f"stopped following the tracking server {_name(f['server'])}",
    "server.resumed": lambda f: f"follows the tracking server {_name(f['server'])} again",
    "server.failed": lambda f: (
        f"could not read the tracking server {_name(f['server'])}: {_tail(f['problem'])}"
    ),
    "server.recovered": lambda f: f"reads the tracking server {_name(f['server'])} to its end again",
    "server.believed": lambda f: (
        f"confirmed that {f['missing']} models missing on {_name(f['server'])} are gone"
    ),
    "server.hook_ordered": lambda f: f"asked for a webhook on the tracking server {_name(f['server'])}",
    "server.hook_settled": lambda f: (
        f"found the webhook on {_name(f['server'])} {f['state']}"
        + (f": {_tail(f['problem'])}" if f["problem"] else "")
    ),
    "model.registered": lambda f: f"took the model {_name(f['model'])} into the registry",
    "model.renamed": lambda f: f"saw the model {f['previous']} renamed to {_name(f['model'])}",
    "model.gone": lambda f: f"saw that the model {_name(f['model'])} is gone from the tracking server",
    "model.back": lambda f: f"saw that the model {_name(f['model'])} is back in the tracking server",
    "model.changed": lambda f: (
        f"saw the model {_name(f['model'])} change in the tracking server: {f['what']}"
    ),
    "model.shared": lambda f: f"shared the model {_name(f['model'])} with {f['audience']}",
    "model.unshared": lambda f: f"stopped sharing the model {_name(f['model'])} with {f['audience']}",
    "version.registered": lambda f: f"took {_name(f['version'])} into the registry",
    "version.gone": lambda f: f"saw that {_name(f['version'])} is gone from the tracking server",
    "version.back": lambda f: f"saw that {_name(f['version'])} is back in the tracking server",
    "version.changed": lambda f: f"saw {_name(f['version'])} change in the tracking server: {f['what']}",
    "version.files_gone": lambda f: f"found no files of {_name(f['version'])}: {_tail(f['problem'])}",
    "version.training_data_added": lambda f: (
        f"found that {_name(f['version'])} also learned from {_name(f['dataset'])} ({f['snapshot']})"
    ),
    "version.files_back": lambda f: f"found the files of {_name(f['version'])} again",
    "version.source_moved": lambda f: (
        f"saw that the files of {_name(f['version'])} lie elsewhere now: {_tail(f['source'])}"
    ),
    "version.source_hashed": lambda f: f"hashed the files of {_name(f['version'])} where they lie now",
    "version.unread": lambda f: f"could not read {_name(f['version'])} whole: {_tail(f['problem'])}",
    "alias.ordered": lambda f: (
        f"asked for the alias {f['alias']} of {_name(f['model'])} to "
        + (f"name version {f['number']}" if f["number"] else "go")
    ),
    "alias.order_failed": lambda f: (
        f"could not move the alias {f['alias']} of {_name(f['model'])}: {_tail(f['problem'])}"
    ),
    "alias.moved": lambda f: (
        f"{_hand(f)} the alias {f['alias']} of {_name(f['model'])}{'' if _here(f) else ' move'}"
        + (f" from version {f['previous']}" if f["previous"] else "")
        + f" to {_name(f['version'])}{_control(f)}"
    ),
    "alias.removed": lambda f: (
        f"{'removed' if _here(f) else 'saw'} the alias {f['alias']} of {_name(f['model'])}"
        f"{'' if _here(f) else ' removed'}; it named version {f['previous']}{_control(f)}"
    ),
    "manifest.taken": lambda f: (
        f"hashed the files of {_name(f['version'])}: {short(f['digest'])}"
        + (f", not {short(f['previous'])} as before" if f["previous"] else "")
    ),
    "dataset.seen": lambda f: f"saw a new snapshot of the dataset {_name(f['dataset'])} ({f['snapshot']})",
    "pipeline.recorded": lambda f: (
        f"recorded a pipeline of {f['stages']} stage{'s' if f['stages'] != 1 else ''} for {_name(f['version'])} ({short(f['source'])})"
    ),
    "endpoint.set": lambda f: f"set where {_name(f['endpoint'])} answers: {f['url']}",
    "endpoint.removed": lambda f: (
        f"removed where {_name(f['version'])} answers in {f['environment']}: {f['url']}"
    ),
    "system.registered": lambda f: f"registered the AI system {_name(f['system'])} as {f['operator_role']}",
    "system.changed": lambda f: f"changed the AI system {_name(f['system'])}: {f['what']}",
    "system.edited": lambda f: (
        f"changed the {f['field'].replace('_', ' ')} of the AI system {_name(f['system'])}"
        f" from “{_brief(f['before'])}” to “{_brief(f['after'])}”"
    ),
    "system.model_removed": lambda f: (
        f"removed the model {_name(f['model'])} from the AI system {_name(f['system'])}"
    ),
    "system.retired": lambda f: f"retired the AI system {_name(f['system'])}" + _quoted(f["reason"]),
    "revision.saved": lambda f: f"saved {_name(f['revision'])} ({short(f['digest'])})" + _quoted(f["note"]),
    "import.taken": lambda f: (
        f"imported {_name(f['imported'])} as {f['format']}: {f['mapped']} values mapped, {f['kept']} kept unmapped,"
        f" {f['dropped']} dropped"
    ),
    "import.used": lambda f: (
        f"used the import {_name(f['imported'])} for {_name(f['about'])}: {f['proposed']} fields wait to be accepted"
    ),
    "figure.attached": lambda f: (
        f"stored the {_name(f['figure'])} ({f['media_type'].partition('/')[2].upper()}, {f['size']} bytes)"
    ),
    "review.submitted": lambda f: f"asked for the {_name(f['review'])} ({short(f['digest'])})",
    "review.approved": lambda f: (
        f"approved in the {_name(f['review'])} ({short(f['digest'])}){_absent(f)}" + _quoted(f["comment"])
    ),
    "review.signed_off": lambda f: (
        f"signed off as {f['role']} in the {_name(f['review'])} ({short(f['digest'])}){_absent(f)}"
        + (f", signed {short(f['signature'])}" if f["signature"] else "")
        + f"; still wanted: {f['wanted']}"
        + _quoted(f["comment"])
    ),
    "review.changes_requested": lambda f: (
        f"asked for changes in the {_name(f['review'])}{_absent(f)}" + _quoted(f["comment"])
    ),
    "review.withdrawn": lambda f: f"took back the {_name(f['review'])}",
    "review.stale": lambda f: f"thereby made the approval in the {_name(f['review'])} stale ({f['codes']})",
    "review.retired": lambda f: f"retired the approval in the {_name(f['review'])}" + _quoted(f["reason"]),
    "review.reminded": lambda f: (
        f"reminded whoever may judge of the {_name(f['review'])}, time {f['number']}"
    ),
    "review.escalated": lambda f: f"told {f['to']} that nobody judges in the {_name(f['review'])}",
    "review.reminders_set": lambda f: (
        f"decided how reviews are reminded of: {f['cadence']}; before, {f['previous']}"
        + _quoted(f["rationale"])
    ),
    "absence.announced": lambda f: (
        f"named {_name(f['stand_in'])} to be asked for reviews in place of {_name(f['person'])}"
        f" from {moment(f['since'])} until {moment(f['until'])}"
    ),
    "absence.ended": lambda f: f"ended the {_name(f['absence'])}, in which {_name(f['stand_in'])} stood in",
    "review.rule_set": lambda f: (
        f"decided what an approval needs for the risk class {f['risk_class']}: {f['rule']}"
        + _quoted(f["rationale"])
    ),
    "condition.set": lambda f: (
        f"approved on condition that {f['owner']} does this by {moment(f['due_at'])}" + _quoted(f["text"])
    ),
    "condition.fulfilled": lambda f: (
        f"confirmed that “{_brief(f['text'])}” is fulfilled" + _quoted(f["note"])
    ),
    "condition.passed_on": lambda f: (
        f"passed the condition “{_brief(f['text'])}” of {_name(f['condition'])} from {f['previous']} on to {f['owner']}"
    ),
    "condition.extended": lambda f: (
        f"gave “{_brief(f['text'])}” until {moment(f['due_at'])}, not {moment(f['previous'])}"
        + _quoted(f["reason"])
    ),
    "thread.begun": lambda f: (
        f"began a {_name(f['thread'])}, on {_name(f['revision'])} ({short(f['digest'])})"
    ),
    "comment.written": lambda f: f"answered in the {_name(f['thread'])} ({short(f['digest'])})",
    "comment.withdrawn": lambda f: (
        f"withdrew what they had said ({short(f['digest'])}) in the {_name(f['thread'])}"
    ),
    "thread.resolved": lambda f: f"resolved the {_name(f['thread'])}",
    "thread.reopened": lambda f: f"reopened the {_name(f['thread'])}",
    "glass.asked": lambda f: (
        f"asked to break the glass for {_name(f['version'])} in {f['environment']} for {f['minutes']} minutes"
        + _quoted(f["reason"])
    ),
    "glass.granted": lambda f: (
        f"broke the glass for {_name(f['version'])} in {f['environment']} until {moment(f['ends_at'])}, as"
        f" {f['asked_by']} had asked" + _quoted(f["reason"])
    ),
    "glass.ended": lambda f: (
        f"{'turned down' if f['unused'] else 'saw the end of' if f['by_time'] else 'ended'} the broken glass for"
        f" {_name(f['version'])} in {f['environment']}"
    ),
    "stop.made": lambda f: f"stopped {f['what']}{_quoted(f['reason'])}",
    "stop.lifted": lambda f: (
        f"let {f['what']} pass again, which {f['made_by']} had stopped{_quoted(f['reason'])}"
    ),
    "anomaly.seen": lambda f: f"saw something unusual at the gate: {f['what']}",
    "anomaly.dismissed": lambda f: f"dismissed that “{_brief(f['what'])}”{_quoted(f['reason'])}",
    "account.second_factor": lambda f: (
        f"{'enrolled a second factor' if f['enrolled'] else 'took the second factor away'} for {_name(f['account'])}"
    ),
    "risk.decided": lambda f: (
        f"decided that {_name(f['system'])} is in the risk class {f['risk_class']}" + _quoted(f["rationale"])
    ),
    "lint.severity_set": lambda f: (
        f"decided that findings of {f['rule']} are {f['severity']} for the risk class {f['risk_class']},"
        f" not {f['previous']} as before" + _quoted(f["rationale"])
    ),
    "version.suspended": lambda f: f"suspended {_name(f['version'])}" + _quoted(f["reason"]),
    "version.suspension_lifted": lambda f: (
        f"lifted the suspension of {_name(f['version'])}" + _quoted(f["reason"])
    ),
    "clearance.granted": lambda f: f"thereby cleared {_name(f['version'])} for {f['environment']}",
    "clearance.lapsed": lambda f: (
        f"thereby ended the clearance of {_name(f['version'])} for {f['environment']} ({f['codes']})"
    ),
    "policy.drafted": lambda f: f"saved state {f['state']} of the draft of {_name(f['policy'])}",
    "policy.draft_discarded": lambda f: f"discarded the draft of {_name(f['policy'])} (state {f['state']})",
    "policy.published": lambda f: f"published {_name(f['policy'])} ({short(f['digest'])})",
    "token.issued": lambda f: (
        f"issued the token {_name(f['token'])} to {f['owner']} for {f['environment']} until {moment(f['expires_at'])}{_waits(f)}"
    ),
    "token.revoked": lambda f: f"revoked the token {_name(f['token'])} of {f['owner']}",
    "token.rotated": lambda f: (
        f"replaced the token {_name(f['previous'])} of {f['owner']} by {_name(f['token'])};"
        f" the old one goes on until {moment(f['until'])}{_waits(f)}"
    ),
    "token.countersigned": lambda f: f"countersigned the token {_name(f['token'])} of {f['owner']}",
    "token.declined": lambda f: (
        f"declined to countersign the token {_name(f['token'])} of {f['owner']}{_quoted(f['reason'])}"
    ),
    "token.revoked_together": lambda f: (
        f"revoked {f['count']} token{'s' if f['count'] != 1 else ''} at once, {f['reach']}"
    ),
    "token.leaked": lambda f: (
        f"was told that the token {_name(f['token'])} of {f['owner']} has leaked, and revoked it{_quoted(f['place'])}"
    ),
    "token.expiring": lambda f: (
        f"announced that the token {_name(f['token'])} of {f['owner']} ends at {moment(f['expires_at'])}"
    ),
    "token.life_set": lambda f: (
        f"decided that tokens for models of the risk class {f['risk_class']} live {f['days']} days instead of {f['previous']}"
        f"{_quoted(_brief(f['rationale']))}"
    ),
    "service.made": lambda f: (
        f"made the service account {_name(f['account'])}, for which {f['sponsor']} answers{_quoted(f['purpose'])}"
    ),
    "service.passed_on": lambda f: (
        f"passed the service account {_name(f['account'])} from {f['previous']} on to {f['sponsor']}"
    ),
    "service.ended": lambda f: (
        f"switched off the service account {_name(f['account'])} and revoked {f['count']} of its tokens"
    ),
    "action.refused": lambda f: (
        f"was refused {f['action'].partition('.')[2].replace('_', ' ')}"
        + (f" on {f['subject']}" if f["subject"] else "")
        + f": {_tail(f['sentence'])}"
    ),
    "report.ordered": lambda f: f"ordered a {_name(f['report'])}",
    "report.rendered": lambda f: (
        f"rendered the {_name(f['report'])} of {f['pages']} pages ({short(f['sha256'])}) from the snapshot {short(f['snapshot'])}"
    ),
    "report.failed": lambda f: f"could not render the {_name(f['report'])}: {_tail(f['problem'])}",
    "report.cancelled": lambda f: f"cancelled the {_name(f['report'])}",
    "report.downloaded": lambda f: f"downloaded the {_name(f['report'])} ({short(f['sha256'])})",
    "decisions.sealed": lambda f: (
        f"sealed {f['count']} gate decision{'s' if f['count'] != 1 else ''} on {f['models'] or 'no known model'}: "
        f"{f['allowed']} allowed, {f['count'] - f['allowed']} refused ({short(f['root'])})"
    ),
}
