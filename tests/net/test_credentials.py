import pytest

from kalends.net.credentials import BasicCredentials, CredentialScope
from kalends.net.errors import BadUrl, CredentialsWithheld
from kalends.net.policy import NetPolicy

STRICT = NetPolicy()
LAN = NetPolicy.parse(allow="10.0.0.0/8")


def scope(origin: str, *learned: str, policy: NetPolicy = STRICT) -> CredentialScope:
    made = CredentialScope(origin, policy)
    for url in learned:
        made.learn(url)
    return made


@pytest.mark.parametrize("url", ["https://caldav.icloud.com/", "https://CALDAV.icloud.com.:443/1/principal/?x#y"])
def test_the_configured_server_is_given_the_credentials(url: str) -> None:
    assert scope("https://caldav.icloud.com").permits(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://p42-caldav.icloud.com/",
        "https://icloud.com/",
        "https://caldav.icloud.com:8443/",
        "https://caldav.icloud.com.evil.example/",
        "https://evil-icloud.com/",
        "http://caldav.icloud.com/",
        "http://caldav.icloud.com:443/",
    ],
)
def test_no_other_server_is_given_them_unasked(url: str) -> None:
    assert not scope("https://caldav.icloud.com").permits(url)


def test_a_server_of_the_same_domain_is_given_them_once_an_answer_named_it() -> None:
    learned = scope("https://caldav.icloud.com", "https://p42-caldav.icloud.com:443/123/principal/")
    assert learned.permits("https://p42-caldav.icloud.com/123/calendars/")
    assert not learned.permits("https://p43-caldav.icloud.com/")
    assert not learned.permits("https://p42-caldav.icloud.com:8443/")


@pytest.mark.parametrize(
    ("origin", "url"),
    [
        ("https://cal.example.com", "https://cal.example.net/"),
        ("https://cal.example.co.uk", "https://evil.co.uk/"),
        ("https://ann.github.io", "https://bob.github.io/"),
        ("https://co.uk", "https://evil.co.uk/"),
        ("https://cal.example.com", "http://cal.example.com/"),
        ("https://nas", "https://other/"),
        ("https://8.8.8.8", "https://9.8.8.8/"),
        ("https://8.8.8.8", "https://dns.google/"),
        ("https://cal.example.com", "https://8.8.8.8/"),
        ("https://xn--bcher-kva.example.com", "https://example.net/"),
    ],
)
def test_a_server_of_another_domain_cannot_be_learned(origin: str, url: str) -> None:
    made = scope(origin)
    with pytest.raises(CredentialsWithheld) as caught:
        made.learn(url)
    assert caught.value.host == CredentialScope(url, STRICT)._origin.host
    assert not made.permits(url)


def test_one_address_may_be_learned_on_another_port() -> None:
    assert scope("https://8.8.8.8", "https://8.8.8.8:8443/").permits("https://8.8.8.8:8443/")


def test_a_host_that_the_operator_trusts_is_given_them_over_https_only() -> None:
    trusting = scope("https://cal.example.com", policy=NetPolicy.parse(trusted="p42.example.net"))
    assert trusting.permits("https://p42.example.net/")
    assert not trusting.permits("http://p42.example.net/")
    assert not trusting.permits("https://sub.p42.example.net/")


def test_plain_http_carries_them_only_where_the_operator_allowed_anything() -> None:
    assert not scope("http://cal.example.com").permits("http://cal.example.com/")
    assert scope("http://cal.corp.example", policy=LAN).permits("http://cal.corp.example/")
    assert not scope("https://cal.corp.example", policy=LAN).permits("http://cal.corp.example/")


def test_an_origin_or_a_name_that_is_no_url_is_an_error() -> None:
    with pytest.raises(BadUrl):
        scope("cal.example.com")
    with pytest.raises(BadUrl):
        scope("https://cal.example.com").learn("/relative")
    with pytest.raises(BadUrl):
        scope("https://cal.example.com").permits("https://u:p@cal.example.com")


def test_the_text_form_shows_no_password() -> None:
    credentials = BasicCredentials("ann", "hunter2", scope("https://cal.example.com"))
    assert "hunter2" not in repr(credentials)
    assert "hunter2" not in str(credentials)


def test_basic_credentials_are_sent_in_utf_8() -> None:
    assert BasicCredentials("änn", "pä:ss", scope("https://a.example")).authorization == "Basic w6Rubjpww6Q6c3M="
