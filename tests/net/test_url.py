import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalends.net.errors import BadUrl
from kalends.net.url import HttpUrl, canonical_host, literal

LOOPBACK_IN_DISGUISE = [
    "127.0.0.1", "127.0.0.1.", "127.1", "127.0.1", "127.00.0.01", "0177.0.0.1", "0177.1", "0x7f.0.0.1", "0x7F.1",
    "2130706433", "2130706433.", "0x7f000001", "0X7F000001", "017700000001", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]",
    "[0:0:0:0:0:ffff:7f00:0001]", "１２７.０.０.１", "127。0。0。1", "①②⑦.⓪.⓪.①", "127．0．0．1",
]  # fmt: skip
"""Also used by the attacks on the client."""


@pytest.mark.parametrize("host", LOOPBACK_IN_DISGUISE)
def test_every_notation_of_an_address_is_read_as_that_address(host: str) -> None:
    assert HttpUrl.parse(f"http://{host}:81/x").host == "127.0.0.1"


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("Cal.Example.ORG", "cal.example.org"),
        ("cal.example.org.", "cal.example.org"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("ＣＡＬ．example", "cal.example"),
        ("ⓛocalhost", "localhost"),
        ("my_host", "my_host"),
        ("[FE80:0::1]", "fe80::1"),
        ("[::ffff:8.8.8.8]", "8.8.8.8"),
        ("1", "0.0.0.1"),
        ("1.2.3.example", "1.2.3.example"),
    ],
)
def test_a_host_has_one_spelling(text: str, host: str) -> None:
    assert canonical_host(text) == host
    assert HttpUrl.parse(f"https://{text}").host == host


@given(st.integers(0, 2**32 - 1))
def test_an_address_as_one_number_is_that_address(number: int) -> None:
    address = literal(canonical_host(str(number)))
    assert address is not None
    assert int(address) == number


@pytest.mark.parametrize(
    "text",
    [
        "", "cal.example.org", "//cal.example.org/", "/dav", "ftp://cal.example.org/", "file:///etc/passwd",
        "javascript:alert(1)", "gopher://127.0.0.1:25/", "http://", "http:///dav", "http:cal.example.org", "http://:80/",
        "http://user@cal.example.org/", "http://user:secret@cal.example.org/", "http://@cal.example.org/",
        "http://cal.example.org@127.0.0.1/", "http://cal.example.org:80@127.0.0.1/",
        "http://cal.example.org%40127.0.0.1/",
        "http://cal.example.org\\@127.0.0.1/", "http://cal.example.org\\.evil.example/", "http:\\\\127.0.0.1/",
        "http://cal.example.org\t/", "http://cal.example.org/\r\nHost: x", "\x00http://cal.example.org/",
        "http://ca l/",
        "http://127%2e0.0.1/", "http://%31%32%37.0.0.1/", "http://[fe80::1%25eth0]/", "http://[fe80::1%eth0]/",
        "http://[::1]x/", "http://x[::1]/", "http://[::1/", "http://::1/", "http://[v1.x]/", "http://[::12345]/",
        "http://1.2.3.4.5/", "http://256.1.1.1/", "http://4294967296/", "http://0x100000000/", "http://1.2.3.08/",
        "http://a..b/", "http://.a/", "http://-a.example/", "http://a-.example/", "http://" + "a" * 64 + ".example/",
        "http://" + "a." * 127 + "example/", "http://a:0/", "http://a:65536/", "http://a:99999999/", "http://a:-1/",
        "http://a:８０/", "http://a:80:80/", "http://exam：ple/", "http://ex℀mple.org/", "http://\ud800/", "http://xn--\u00fc/",
        "http://a/\ud800", "http://a/" + "x" * 8192,
    ],
)  # fmt: skip
def test_what_is_not_plainly_a_web_address_is_refused(text: str) -> None:
    with pytest.raises(BadUrl):
        HttpUrl.parse(text)


def test_the_refusal_of_a_url_repeats_nothing_secret() -> None:
    for text in ("https://ann:hunter2@cal.example/", "https://cal.example:99999/private-hunter2/basic.ics"):
        with pytest.raises(BadUrl) as caught:
            HttpUrl.parse(text)
        assert "hunter2" not in str(caught.value)


def test_a_url_with_a_password_in_it_is_told_apart_from_other_mistakes() -> None:
    with pytest.raises(BadUrl, match="user name or password"):
        HttpUrl.parse("https://ann:hunter2@cal.example/")


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("http://a", "/"),
        ("http://a?x=1", "/?x=1"),
        ("http://a/dav/Ann%20B/%7euser/%7Euser/a+b;c=d,@:[]|#frag", "/dav/Ann%20B/%7euser/%7Euser/a+b;c=d,@:[]|"),
        ("http://a/Work Calendar/é?q=ü", "/Work%20Calendar/%C3%A9?q=%C3%BC"),
        ("http://a/x/../y//z/", "/x/../y//z/"),
        ("http://a/100%", "/100%"),
    ],
)
def test_path_and_query_are_sent_as_they_are_written(text: str, target: str) -> None:
    assert HttpUrl.parse(text).target == target


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("HTTP://A:80", "http://a/"),
        ("https://a:443/x", "https://a/x"),
        ("https://a:/x", "https://a/x"),
        ("https://a:80/x", "https://a:80/x"),
        ("http://[::1]:8080/", "http://[::1]:8080/"),
    ],
)
def test_a_url_is_written_in_one_way_and_read_back_the_same(text: str, canonical: str) -> None:
    url = HttpUrl.parse(text)
    assert str(url) == canonical
    assert HttpUrl.parse(canonical) == url


@pytest.mark.parametrize(
    ("reference", "result"),
    [
        ("/principal/", "https://a.example:8443/principal/"),
        ("next", "https://a.example:8443/dav/next"),
        ("//b.example/x", "https://b.example/x"),
        ("http://b.example", "http://b.example/"),
        ("?page=2", "https://a.example:8443/dav/home?page=2"),
    ],
)
def test_a_reference_is_resolved_where_it_was_found(reference: str, result: str) -> None:
    assert str(HttpUrl.parse("https://a.example:8443/dav/home").join(reference)) == result


@pytest.mark.parametrize(
    "reference", ["file:///etc/passwd", "http://u:p@b/", "http://[", "//[", "https://a\r\nb/", "/x\\y", "data:,x"]
)
def test_a_reference_to_nothing_usable_names_where_it_was_found(reference: str) -> None:
    with pytest.raises(BadUrl, match=r"a\.example"):
        HttpUrl.parse("https://a.example/dav").join(reference)
