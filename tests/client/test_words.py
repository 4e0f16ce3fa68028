"""The client imports nothing else of Kalends, so its words are held to the service's here."""

from enum import StrEnum

import pytest

from kalends import client
from kalends.model import connection, provider, schedule


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (provider.CalendarType, client.CalendarType),
        (provider.ConnectMethod, client.ConnectMethod),
        (provider.ImportFeature, client.ImportFeature),
        (provider.ExportFeature, client.ExportFeature),
        (connection.Status, client.ConnectionStatus),
        (connection.ErrorReason, client.ErrorReason),
        (schedule.ScheduleStatus, client.ScheduleStatus),
    ],
)
def test_the_client_knows_every_word_the_service_says(ours: type[StrEnum], theirs: type[StrEnum]) -> None:
    assert {word.value for word in ours} <= {word.value for word in theirs}
