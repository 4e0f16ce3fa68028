"""The stand-in notices what it is there to notice, and answers in iCloud's ways."""

from kalends.net.credentials import BasicCredentials, CredentialScope
from tests.icloud.account import ENTRY, ICloudAccount
from tests.icloud.running import ICloudClient, RunningICloud
from tests.icloud.server import TOKEN
from tests.servers import LOOPBACK

MULTIGET = """\
<c:calendar-multiget xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav">
<d:prop><d:getetag/></d:prop><d:href>{href}</d:href></c:calendar-multiget>"""


def credentials(account: ICloudAccount) -> BasicCredentials:
    scope = CredentialScope(f"https://{ENTRY}", LOOPBACK)
    scope.learn(account.place)
    return BasicCredentials(account.login.email, account.login.password, scope)


async def multiget(client: ICloudClient, account: ICloudAccount, href: str) -> bytes:
    url = f"{account.place}{account.home}home/"
    body = MULTIGET.format(href=href).encode()
    answer = await client.request(
        "REPORT",
        url,
        content=body,
        headers={"Content-Type": "application/xml", "Depth": "0"},
        credentials=credentials(account),
    )
    return answer.body


async def test_two_schemes_are_offered_and_a_token_in_every_answer(icloud: RunningICloud) -> None:
    async with icloud.client() as client:
        answer = await client.request("PROPFIND", f"https://{ENTRY}/")
        assert answer.status == 401
        assert answer.headers["www-authenticate"].count('realm="MMCalDav"') == 2
        assert answer.headers["x-mobileme-authtoken"] == TOKEN
        assert (await client.request("GET", f"https://{ENTRY}/")).status == 400


async def test_a_token_that_comes_back_is_noted(icloud: RunningICloud) -> None:
    async with icloud.client() as client:
        await client.request("PROPFIND", f"https://{ENTRY}/", headers={"X-MobileMe-AuthToken": TOKEN})
    assert icloud.offences == ["PROPFIND / with a token"]
    icloud.offences.clear()


async def test_a_multiget_by_whole_urls_brings_nothing_and_is_noted(icloud: RunningICloud) -> None:
    account = icloud.account()
    icloud.behind.make_calendar(f"{account.login.home}home/")
    path = f"{account.home}home/a.ics"
    async with icloud.client() as client:
        assert b"a.ics" in await multiget(client, account, path)
        assert icloud.offences == []
        assert b"a.ics" not in await multiget(client, account, account.place + path)
        await multiget(client, account, f"{account.home}home/")
    assert icloud.offences == ["a multiget with a whole URL", "a multiget that names the collection itself"]
    icloud.offences.clear()


async def test_the_paths_of_others_are_forbidden(icloud: RunningICloud) -> None:
    account, other = icloud.account(), icloud.account()
    async with icloud.client() as client:
        answer = await client.request("PROPFIND", other.place + other.home, credentials=credentials(account))
    assert answer.status == 403
