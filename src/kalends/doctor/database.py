"""The database: reachable, whole, and of the schema that this version works with."""

from kalends.doctor.finding import Check, Finding, problem, warning, well
from kalends.settings import Settings
from kalends.store.database import driver_refusal, head_revision, known_revisions
from kalends.store.readonly import NotClosed, ReadOnlyDatabase, TooLong, sqlstate
from kalends.store.sites import Sites

_ADVICE = {
    "28P01": "Correct the user or the password in KALENDS_DATABASE_URL.",
    "28000": "Correct the user in KALENDS_DATABASE_URL, or let it in by the server's pg_hba.conf.",
    "42501": "Grant the user of KALENDS_DATABASE_URL the right to use this database (GRANT).",
    "53300": "Give the server more connections (max_connections), or run fewer processes.",
    "57P03": "The server is starting or stopping: look again in a moment.",
}
_NO_DATABASE = "3D000"


async def look_at_database(settings: Settings, database: ReadOnlyDatabase) -> list[Finding]:
    """Tell whether the database can be reached and, where it is an SQLite file, whether it is whole."""
    if database.embedded and (missing := _missing(settings, database)) is not None:
        return [missing]
    about = {"engine": "sqlite" if database.embedded else "postgresql", "place": database.place}
    try:
        version = await database.version()
        damage = await _damage(database)
    except NotClosed:
        summary = f"{database.path} was left in the middle of its work."
        advice = "Run any other command, `kalends site list` say: it finishes that work. Then run this one again."
        return [warning(Check.DATABASE, summary, advice, about, blocks=True)]
    except Exception as error:
        refused = _refused(database, error)
        if refused is None:
            raise
        return [refused]
    engine = "SQLite" if database.embedded else "PostgreSQL"
    found = well(Check.DATABASE, f"{engine} {version} at {database.place} answers.", version=version, **about)
    return [found] if damage is None else [damage]


def _missing(settings: Settings, database: ReadOnlyDatabase) -> Finding | None:
    setting = "KALENDS_DATABASE_URL" if settings.database_url else "KALENDS_DATA_DIR"
    try:
        database.path.stat()
    except FileNotFoundError:
        if database.path.is_symlink():
            advice = f"Make or mount what it leads to, or set {setting} to another place."
            return problem(Check.DATABASE, f"{database.path} is a link that leads nowhere.", advice, blocks=True)
        advice = f"The first command that needs it makes it. If your data should be there, {setting} names another."
        return warning(Check.DATABASE, f"There is no database {database.path} yet.", advice, blocks=True)
    except OSError as error:
        return _refused(database, error)
    return None


async def _damage(database: ReadOnlyDatabase) -> Finding | None:
    if not database.embedded:
        return None
    try:
        damage = await database.damage()
    except TooLong:
        summary = f"{database.path} answers, but is too large to be checked for damage in a few seconds."
        advice = f"Check it at a quiet hour: sqlite3 {database.path} 'PRAGMA quick_check'"
        return warning(Check.DATABASE, summary, advice)
    if damage is None:
        return None
    return problem(
        Check.DATABASE, f"{database.path} is damaged.", "Stop `kalends serve` and restore the file from your backup."
    )


def _refused(database: ReadOnlyDatabase, error: Exception) -> Finding | None:
    """Return what an error of the driver means, None for a mistake of ours."""
    about = {"engine": "sqlite" if database.embedded else "postgresql", "place": database.place}
    if database.embedded:
        said = driver_refusal(error)
        if said is None and not isinstance(error, OSError):
            return None
        advice = (
            "If it is no SQLite file, KALENDS_DATABASE_URL or KALENDS_DATA_DIR names the wrong one; "
            "if it is damaged, restore it from your backup; and the user of Kalends must be able to read it."
        )
        because = said or str(getattr(error, "strerror", None))
        return problem(Check.DATABASE, f"{database.path} cannot be used: {_clean(because)}", advice, about, blocks=True)
    code = sqlstate(error)
    if code == _NO_DATABASE:
        summary = f"The server of {database.place} has no database of that name."
        advice = f"Make it (createdb {database.name}) and run `kalends db upgrade`, or correct KALENDS_DATABASE_URL."
    elif code is not None:
        summary = f"PostgreSQL at {database.place} refuses: {_clean(driver_refusal(error) or code)}"
        advice = _ADVICE.get(code, "See the server's log.")
    elif isinstance(error, OSError) or driver_refusal(error) is not None:
        why = (error.strerror or str(error)) if isinstance(error, OSError) else driver_refusal(error)
        summary = f"PostgreSQL at {database.place} cannot be reached: {_clean(why or 'no answer in time')}"
        advice = "Start it, or correct host and port in KALENDS_DATABASE_URL; see that no firewall is in between."
    else:
        return None
    return problem(Check.DATABASE, summary, advice, {**about, "sqlstate": code}, blocks=True)


async def look_at_schema(database: ReadOnlyDatabase) -> list[Finding]:
    """Tell whether the schema is the one that this version works with."""
    found, wanted = await database.schema_version(), head_revision()
    about = {"found": found, "wanted": wanted}
    if found == wanted:
        return [well(Check.SCHEMA, f"The schema is that of this version ({wanted}).", **about)]
    if found is None:
        summary, advice = "The database holds no schema yet.", "Run `kalends db upgrade`."
    elif found in known_revisions():
        summary = f"The schema ({found}) is older than this version's ({wanted})."
        advice = "Run `kalends db upgrade`."
    else:
        summary = f"This version does not know the schema {found}: it is older than the database."
        advice = "Run the version of Kalends that the database was upgraded by, or a newer one."
    return [problem(Check.SCHEMA, summary, advice, about, blocks=True)]


async def look_at_site(database: ReadOnlyDatabase, site_id: str) -> list[Finding]:
    """Tell whether the site that was asked for is there."""
    async with database.read() as reader:
        site = await Sites(reader).get(site_id)
    if site is not None:
        return [well(Check.SITE, f"Connections and providers are those of the site {site_id}.", siteId=site_id)]
    advice = "`kalends site list` lists them."
    return [problem(Check.SITE, f"There is no site {site_id}.", advice, {"siteId": site_id}, blocks=True)]


def _clean(said: str) -> str:
    """Return what a driver said as the end of a sentence of ours."""
    return said.rstrip(".") + "."
