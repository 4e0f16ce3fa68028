"""What a server does differently, as an operator is shown it."""

import json
import sqlite3
from contextlib import closing

from kalends.providers.caldav.quirks import omitted_multiget_members
from tests.cli.operator import Operator
from tests.cli.studio import Studio, meeting, open_studio
from tests.servers import CalDavServer


def test_a_connection_shows_the_peculiarities_of_its_server(operator: Operator, xandikos: CalDavServer) -> None:
    studio = open_studio(operator, xandikos)
    xandikos.put(f"{studio.calendar}what%3F.ics", meeting("odd", 7, "Oddly named"))
    try:
        connection = studio.connected()["id"]
        quirk = omitted_multiget_members.QUIRK
        shown = operator.json("connection", "show", connection)
        assert shown["quirks"] == [
            {"name": quirk.name, "summary": quirk.summary, "consequence": quirk.consequence},
        ]
        table = operator.run("connection", "show", connection).stdout
        assert "The server's peculiarities" in table
        assert quirk.name in table
        assert quirk.consequence in table

        _know(operator, quirk.name, "of_another_version")
        shown = operator.json("connection", "show", connection)
        assert [one["name"] for one in shown["quirks"]] == [quirk.name, "of_another_version"]
        assert shown["quirks"][1] == {"name": "of_another_version", "summary": None, "consequence": None}
        assert "of_another_version" in operator.run("connection", "show", connection).stdout
    finally:
        xandikos.forget_calendars()


def test_a_server_without_peculiarities_shows_none(studio: Studio) -> None:
    connection = studio.connected()["id"]
    assert studio.operator.json("connection", "show", connection)["quirks"] == []
    assert "peculiarities" not in studio.operator.run("connection", "show", connection).stdout


def _know(operator: Operator, *names: str) -> None:
    """Write what another version of Kalends would have written."""
    (database,) = (operator.folder / "data").glob("*.db")
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("UPDATE connections SET quirks = ?", (json.dumps(names),))
