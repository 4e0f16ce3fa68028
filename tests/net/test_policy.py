from ipaddress import ip_address

import pytest

from kalends.net.policy import NetPolicy


def allows(setting: str, host: str, port: int, address: str) -> bool:
    return NetPolicy.parse(allow=setting).may_dial(host, port, ip_address(address))


@pytest.mark.parametrize(
    ("setting", "host", "port", "address"),
    [
        ("", "cal.example", 443, "8.8.8.8"),
        ("nas.lan", "nas.lan", 80, "192.168.1.5"),
        ("NAS.lan.", "nas.lan", 5232, "fd00::5"),
        ("nas.lan:5232", "nas.lan", 5232, "192.168.1.5"),
        ("127.0.0.1", "127.0.0.1", 80, "127.0.0.1"),
        ("127.0.0.1:5232", "localhost", 5232, "127.0.0.1"),
        ("10.0.0.0/8", "cal.corp.example", 443, "10.1.2.3"),
        ("fd00::/8", "cal.corp.example", 443, "fd00::1"),
        ("::1", "localhost", 80, "::1"),
        ("[::1]:5232", "localhost", 5232, "::1"),
        (" a.lan,\n10.0.0.0/8  b.lan ", "b.lan", 80, "172.16.0.1"),
    ],
)
def test_what_the_operator_allows_may_be_dialled(setting: str, host: str, port: int, address: str) -> None:
    assert allows(setting, host, port, address)


@pytest.mark.parametrize(
    ("setting", "host", "port", "address"),
    [
        ("", "localhost", 80, "127.0.0.1"),
        ("nas.lan", "other.lan", 80, "192.168.1.5"),
        ("nas.lan", "sub.nas.lan", 80, "192.168.1.5"),
        ("nas.lan:5232", "nas.lan", 5233, "192.168.1.5"),
        ("127.0.0.1:5232", "127.0.0.1", 80, "127.0.0.1"),
        ("127.0.0.1", "localhost", 80, "127.0.0.2"),
        ("127.0.0.1", "localhost", 80, "::1"),
        ("10.0.0.0/8", "cal.corp.example", 443, "192.168.0.1"),
        ("[::1]:5232", "localhost", 80, "::1"),
    ],
)
def test_nothing_else_is_opened_by_it(setting: str, host: str, port: int, address: str) -> None:
    assert not allows(setting, host, port, address)


@pytest.mark.parametrize(
    "entry",
    [
        "10.0.0.1/8",
        "10.0.0.0/33",
        "http://nas.lan",
        "nas.lan/dav",
        "nas.lan:port",
        "nas.lan:70000",
        "u@nas",
        "*.lan",
        "[::1",
    ],
)
def test_an_entry_that_cannot_be_read_is_named_to_the_operator(entry: str) -> None:
    with pytest.raises(ValueError, match="is not a") as caught:
        NetPolicy.parse(allow=f"ok.lan,{entry}")
    assert entry in str(caught.value)


def test_trusted_hosts_are_kept_in_their_one_spelling() -> None:
    assert NetPolicy.parse(trusted="P42.Example.NET., bücher.example").trusted_hosts == {
        "p42.example.net",
        "xn--bcher-kva.example",
    }


@pytest.mark.parametrize("entry", ["https://p42.example.net", "p42.example.net:443", "*.example.net"])
def test_a_trusted_host_is_a_host_and_nothing_more(entry: str) -> None:
    with pytest.raises(ValueError, match="is not a host"):
        NetPolicy.parse(trusted=entry)
