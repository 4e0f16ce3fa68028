"""The secret keys: there, closed to others, and able to open what is stored."""

import stat
from collections.abc import Iterator, Mapping, Sequence

from kalends.accounts.directory import secrets_row
from kalends.accounts.keeping import credentials_row
from kalends.doctor.finding import Check, Finding, counted, problem, warning, well
from kalends.settings import Settings, SettingsError
from kalends.store.findings import EXAMPLES, Affected, Findings, Sealed, SealedProvider, holds_credentials
from kalends.store.readonly import ReadOnlyDatabase
from kalends.vault.keys import Keyring, key_path
from kalends.vault.sealing import HEAD_BYTES, Vault, key_id

TRIED = 2_000
"""How many sealed secrets are tried one by one, the latest; of all of them, the id of the key is looked at."""
_PURPOSE = "secrets at rest"


async def look_at_keys(settings: Settings, database: ReadOnlyDatabase | None, site_id: str | None) -> list[Finding]:
    """Look at the keys and, where there is a database, at what is sealed there. No key is made."""
    try:
        keyring = Keyring.existing(settings)
    except SettingsError as error:
        advice = "Set it, or put the file back from your backup: without it, no account can be read."
        return [problem(Check.SECRET_KEYS, str(error), advice)]
    except OSError as error:
        advice = "Let the user that Kalends runs as read it."
        summary = f"{key_path(settings)} cannot be read: {error.strerror}."
        return [problem(Check.SECRET_KEYS, summary, advice)]
    by_head: Mapping[bytes, Affected] = {}
    latest: Sequence[Sealed] = ()
    installed: Sequence[SealedProvider] = ()
    if database is not None:
        async with database.read() as reader:
            if await holds_credentials(reader):
                found = Findings(reader, site_id)
                by_head, latest = await found.sealed_with(HEAD_BYTES), await found.sealed(TRIED)
                installed = await found.sealed_providers()
    if keyring is None:
        return [_missing(settings, sum(one.count for one in by_head.values()), len(installed))]
    ids = [one.id for one in keyring.keys(_PURPOSE)]
    amiss = [*_open_file(settings), *unopened(by_head, ids), *_closed(installed, Vault(keyring))]
    changed = [one for one in latest if key_id(one.credentials) in ids and not _opens(Vault(keyring), one)]
    if changed:
        amiss.append(
            problem(
                Check.SECRET_KEYS,
                f"Stored passwords that were changed, or belong elsewhere: {counted(len(changed), 'connection')}.",
                "Connect those accounts again (`kalends connection connect`), or restore the database.",
                {"connections": len(changed), "connectionIds": [one.connection_id for one in changed[:EXAMPLES]]},
            )
        )
    if amiss:
        return amiss
    earlier = sum(one.count for head, one in by_head.items() if key_id(head) != ids[0])
    older = sum(key_id(one.secrets) != ids[0] for one in installed)
    needed = [counted(count, what) for count, what in ((earlier, "connection"), (older, "provider")) if count]
    still = f" An older one than {ids[0]} is still needed by {' and '.join(needed)}." if needed else ""
    summary = f"{counted(len(ids), 'key')}, by which every stored password opens.{still}"
    return [well(Check.SECRET_KEYS, summary, keyIds=ids, sealedWithOlderKeys=earlier)]


def unopened(by_head: Mapping[bytes, Affected], key_ids: Sequence[str]) -> list[Finding]:
    """Return a problem for each key that is missing; `by_head` as `Findings.sealed_with` returns it."""
    found = []
    for head, affected in by_head.items():
        wanted = key_id(head)
        if wanted in key_ids or not affected.count:
            continue
        found.append(
            problem(
                Check.SECRET_KEYS,
                f"The key {wanted} is not set; {counted(affected.count, 'connection')} cannot be read without it.",
                "Put that key behind the newest one in KALENDS_SECRET_KEY (or secret.key), separated by a comma; "
                "where it is lost, connect those accounts again (`kalends connection connect`).",
                {"keyId": wanted, "connections": affected.count, "connectionIds": list(affected.ids)},
            )
        )
    return found


def _closed(installed: Sequence[SealedProvider], vault: Vault) -> Iterator[Finding]:
    closed = [one for one in installed if not vault.opens(one.secrets, row=secrets_row(one.site_id, one.provider_id))]
    if closed:
        yield problem(
            Check.SECRET_KEYS,
            f"Keys of installed providers that do not open: {counted(len(closed), 'provider')}.",
            "Put the secret key that sealed them behind the newest one in KALENDS_SECRET_KEY (or secret.key), or "
            "restore the database; where it is lost, install those providers anew and connect their accounts there.",
            {"providers": len(closed), "providerIds": [one.provider_id for one in closed[:EXAMPLES]]},
        )


def _missing(settings: Settings, sealed: int, installed: int) -> Finding:
    path = key_path(settings)
    if not sealed and installed:
        return problem(
            Check.SECRET_KEYS,
            f"{path} is missing, and with it the keys of {counted(installed, 'provider')}.",
            "Put it back from your backup; where it is lost, install those providers anew.",
            {"providers": installed},
        )
    if not sealed:
        return well(Check.SECRET_KEYS, f"There is no key yet; the first command that needs one makes {path}.")
    return problem(
        Check.SECRET_KEYS,
        f"{path} is missing, and with it the stored passwords of {counted(sealed, 'connection')}.",
        "Put it back from your backup. Where it is lost, set KALENDS_SECRET_KEY to a new key "
        "(`openssl rand -base64 32`) and connect the accounts again.",
        {"connections": sealed},
    )


def _open_file(settings: Settings) -> Iterator[Finding]:
    if settings.secret_key is not None:
        return
    path = key_path(settings)
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        summary = f"{path} is open to other users of this machine (mode {mode:o})."
        yield warning(Check.SECRET_KEYS, summary, f"Close it to others: chmod 600 {path}", {"file": str(path)})


def _opens(vault: Vault, one: Sealed) -> bool:
    return vault.opens(one.credentials, row=credentials_row(one.site_id, one.connection_id))
