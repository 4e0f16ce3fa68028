"""The calendar servers in use: each is asked once, without credentials, for anything that is HTTP."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kalends.doctor.clock import ServerTime
from kalends.doctor.finding import Check, Finding, problem, warning, well
from kalends.model.clock import Clock
from kalends.model.provider import BuiltIn
from kalends.net.client import GuardedClient
from kalends.net.errors import (
    AddressRefused,
    BadUrl,
    NameUnknown,
    NetError,
    TimedOut,
    TooManyRedirects,
    Untrusted,
)
from kalends.providers.base import Probed, ProviderKind, Reachable
from kalends.store.findings import Findings
from kalends.store.readonly import ReadOnlyDatabase

PROBE_SECONDS = 10
MOST_ASKED = 50
"""Servers that are asked; a site may install any number of providers."""
AT_A_TIME = 10
_FAILED = 500
_NOT_IMPLEMENTED = 501


@dataclass(frozen=True, slots=True)
class Place:
    """A server that is to be asked: a kind of provider with a configuration, and who needs it."""

    kind: str
    config: Mapping[str, str]
    provider_ids: Sequence[str]
    used: int


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of asking: findings, and the time that the server told."""

    findings: Sequence[Finding]
    heard: ServerTime | None = None


async def places_in_use(
    database: ReadOnlyDatabase,
    kinds: Mapping[str, ProviderKind],
    site_id: str | None,
    given: Mapping[str, BuiltIn],
) -> Sequence[Place]:
    """Return the places of all installed providers, and of those built-in ones that a connection uses.

    `given` is what the settings say to kinds of providers: where they are, say.
    """
    async with database.read() as reader:
        found = Findings(reader, site_id)
        installed, used = await found.providers(), await found.used_providers()
    ids: dict[tuple[str, frozenset[tuple[str, str]]], list[str]] = {}
    wanted = [(one.id, one.kind, one.config) for one in installed]
    for name, kind in kinds.items():
        if kind.built_in_id in used:
            wanted.append((str(kind.built_in_id), name, {}))
    for provider_id, kind_name, config in wanted:
        told = {**given.get(kind_name, BuiltIn()).config, **config}
        ids.setdefault((kind_name, frozenset(told.items())), []).append(provider_id)
    return [
        Place(kind, dict(config), provider_ids, sum(used.get(one, 0) for one in provider_ids))
        for (kind, config), provider_ids in ids.items()
    ]


async def ask(
    places: Sequence[Place], kinds: Mapping[str, ProviderKind], client: GuardedClient, clock: Clock
) -> tuple[list[Finding], list[ServerTime]]:
    """Ask the servers, and return what was found and which times were heard."""
    if not places:
        return [well(Check.PROVIDERS, "No calendar server is in use yet.")], []
    turns = asyncio.Semaphore(AT_A_TIME)

    async def one(place: Place) -> Asked:
        async with turns:
            return await _ask(place, kinds.get(place.kind), client, clock)

    asked = await asyncio.gather(*(one(place) for place in places[:MOST_ASKED]))
    findings = [finding for each in asked for finding in each.findings]
    if len(places) > MOST_ASKED:
        summary = f"Of {len(places)} calendar servers, {MOST_ASKED} were asked."
        findings.append(warning(Check.PROVIDERS, summary, "Look at the others with --site, a site at a time."))
    return findings, [each.heard for each in asked if each.heard is not None]


async def _ask(place: Place, kind: ProviderKind | None, client: GuardedClient, clock: Clock) -> Asked:
    about = {"kind": place.kind, "providerIds": list(place.provider_ids), "connections": place.used}
    if kind is None:
        summary = f"The plugin for providers of the kind {place.kind} is not installed."
        advice = "Install its package beside Kalends again; until then, their connections cannot be read."
        return Asked([problem(Check.PROVIDERS, summary, advice, about)])
    if not isinstance(kind, Reachable):
        return Asked([well(Check.PROVIDERS, f"The plugin {place.kind} has no way to be asked; not checked.", **about)])
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            probed = await kind.probe(client, place.config)
    except TimeoutError:
        return Asked([_unreachable(TimedOut(f"{place.kind} did not answer within {PROBE_SECONDS} s."), about)])
    except NetError as error:
        return Asked([_unreachable(error, about)])
    about |= {"host": probed.host, "status": probed.status}
    heard = None if probed.date is None else ServerTime(probed.host, probed.date, clock.now())
    return Asked([_answered(probed, about)], heard)


def _answered(probed: Probed, about: Mapping[str, object]) -> Finding:
    if probed.status < _FAILED or probed.status == _NOT_IMPLEMENTED:
        return well(Check.PROVIDERS, f"{probed.host} answers.", **about)
    summary = f"{probed.host} answers with the error {probed.status}."
    advice = "Look at the log of that server, or at the status page of who runs it; Kalends goes on trying."
    return problem(Check.PROVIDERS, summary, advice, about)


def _unreachable(error: NetError, about: Mapping[str, object]) -> Finding:
    # the messages of these errors are made for the operator: they name the host, and neither path nor credential
    host = error.host or "the host"
    about = {**about, "host": error.host, "failure": type(error).__name__.lstrip("_")}
    match error:
        case NameUnknown():
            advice = "Check the provider's URL (`kalends provider list`) and this machine's name servers."
        case AddressRefused():
            # the host may be one that the server redirects to: not everything that is asked for is to be allowed
            advice = f"If it is a calendar server of yours, allow it, for `kalends serve` too: KALENDS_NET_ALLOW={host}"
        case Untrusted():
            advice = f"Give {host} a valid certificate, or have this machine trust the authority that signed it."
        case TimedOut():
            advice = f"See whether {host} is up, and whether a firewall drops what is sent there."
        case BadUrl() | TooManyRedirects():
            advice = "Install the provider anew with the right URL (`kalends provider install`)."
        case _:
            advice = f"See whether {host} is up, and whether port and scheme of the provider's URL are right."
    return problem(Check.PROVIDERS, str(error), advice, about)
