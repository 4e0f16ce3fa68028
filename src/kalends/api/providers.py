"""List providers (contract §5.1)."""

from pydantic import Field

from kalends.api.fields import GuidText
from kalends.api.messages import Answer, Nothing
from kalends.api.operations import Call, Operation
from kalends.api.services import Services
from kalends.model.identity import Permission
from kalends.model.provider import CalendarType, ConnectMethod, ExportFeature, ImportFeature, Provider


class FeaturesMessage(Answer):
    """What a provider can do."""

    connect_methods: list[ConnectMethod] = Field(description="How accounts are connected.")
    update_sync_config: bool = Field(description="Whether a connection's sync config can be changed.")
    list_event_from_calendars: ImportFeature = Field(description="From which calendars events are imported.")
    sync_to_calendar: ExportFeature = Field(description="Into which calendar events are exported.")


class ProviderMessage(Answer):
    """A provider."""

    id: GuidText = Field(description="The provider's id, for connecting.")
    name: str = Field(description="Its name, for people.")
    calendar_type: CalendarType = Field(description="The kind of external calendar.")
    features: FeaturesMessage = Field(description="What it can do.")

    @classmethod
    def of(cls, provider: Provider) -> "ProviderMessage":
        """Return the message for a provider."""
        can = provider.features
        return cls(
            id=provider.id,
            name=provider.name,
            calendar_type=provider.calendar_type,
            features=FeaturesMessage(
                connect_methods=list(can.connect_methods),
                update_sync_config=can.update_sync_config,
                list_event_from_calendars=can.list_event_from_calendars,
                sync_to_calendar=can.sync_to_calendar,
            ),
        )


class ProvidersAnswer(Answer):
    """The providers of a site."""

    providers: list[ProviderMessage] = Field(description="The providers, possibly none.")


async def list_providers(services: Services, call: Call[Nothing]) -> ProvidersAnswer:
    """Answer with the providers of the caller's site."""
    found = await services.providers.list(call.identity.site_id)
    return ProvidersAnswer(providers=[ProviderMessage.of(one) for one in found])


OPERATIONS = (
    Operation(
        name="listProviders",
        summary="List the providers whose accounts can be connected on the caller's site.",
        method="GET",
        path="/providers",
        permissions=frozenset({Permission.LIST_PROVIDERS}),
        asks=Nothing,
        answers=ProvidersAnswer,
        perform=list_providers,
    ),
)
