"""What a published port's text means."""

import pytest

from runtime.errors import UsageError
from runtime.network.ports import Port, parse

GOOD = {
    "8080:80": [("tcp", "127.0.0.1", 8080, 80)],
    "8080:80/udp": [("udp", "127.0.0.1", 8080, 80)],
    "public:8080:80": [("tcp", "0.0.0.0", 8080, 80)],
    "0.0.0.0:8080:80": [("tcp", "0.0.0.0", 8080, 80)],
    "192.0.2.1:53:5353/udp": [("udp", "192.0.2.1", 53, 5353)],
    "8000-8002:80-82": [("tcp", "127.0.0.1", 8000 + n, 80 + n) for n in range(3)],
    "public:65535:1": [("tcp", "0.0.0.0", 65535, 1)],
}
BAD = [
    "", "80", ":80", "8080:", "0:80", "8080:65536", "8080:80/sctp", "8080:80/", "a:80", "8080:80:90:1", "256.0.0.1:1:1",
    "::1:8080:80", "9-8:1-2", "8000-8002:80", "8000:80-82", "-1:80", "8080:80 ", "\uff18:80", "localhost:8080:80",
]  # fmt: skip


@pytest.mark.parametrize("text", GOOD)
def test_a_port_means_what_docker_users_expect_but_for_the_address(text):
    assert parse(text) == [Port(*each) for each in GOOD[text]]


@pytest.mark.parametrize("text", BAD)
def test_a_text_that_cannot_be_meant_is_refused_and_quoted(text):
    with pytest.raises(UsageError) as refusal:
        parse(text)
    assert repr(text) in str(refusal.value)


def test_a_port_without_address_is_bound_where_the_host_says():
    assert [each.address for each in parse("80:80", "192.0.2.7") + parse("80:80", "public")] == ["192.0.2.7", "0.0.0.0"]


def test_a_port_survives_its_way_through_a_record():
    for each in parse("public:1-3:1-3/udp"):
        assert Port.from_json(each.to_json()) == each
        assert len({each, Port.from_json(each.to_json())}) == 1
