"""The known_hosts parser, against ssh-keygen where that can answer."""

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wherry.connection import known_hosts

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGLbpnUHHq18BNe98uWLR5F3SO5dxDsEyW7YvmF77RYO"


@pytest.mark.parametrize(
    ("names", "host", "found"),
    [
        ("web1", "web1", True),
        ("web1,web2", "web2", True),
        ("web1", "WEB1", True),
        ("web1", "web11", False),
        ("*.example.com", "a.example.com", True),
        ("*.example.com,!b.example.com", "b.example.com", False),
        ("!web1", "web2", False),
        ("web?", "web7", True),
        ("[web1]:2222", "[web1]:2222", True),
        ("web1", "[web1]:2222", False),
        ("[10.0.0.*]:2222", "[10.0.0.9]:2222", True),
        ("[abc]", "a", False),
        ("|1|bm90|aGFzaA==", "web1", False),
        ("|1|broken", "web1", False),
    ],
)
def test_names_match_as_openssh_matches_them(names, host, found):
    entry = known_hosts.parse(f"{names} {KEY}")
    assert entry.matches(host.lower()) is found


def test_a_name_that_we_hash_is_found_by_ssh_keygen(tmp_path):
    entry = known_hosts.parse(f"x {KEY}")
    known_hosts.add(str(tmp_path / "new/known_hosts"), "[web1]:2222", entry.kind, entry.blob, hashed=True)
    command = ["ssh-keygen", "-F", "[web1]:2222", "-f", str(tmp_path / "new/known_hosts")]
    assert KEY in subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert known_hosts.find("[web1]:2222", [str(tmp_path / "new/known_hosts")]).is_trusted(entry.blob)


def test_a_fingerprint_is_what_ssh_keygen_shows(tmp_path):
    (tmp_path / "key.pub").write_text(KEY + "\n")
    shown = subprocess.run(["ssh-keygen", "-lf", str(tmp_path / "key.pub")], capture_output=True, text=True, check=True)
    assert known_hosts.fingerprint(known_hosts.parse(f"x {KEY}").blob) == shown.stdout.split()[1]


def test_a_key_is_added_behind_a_last_line_without_newline(tmp_path):
    path = tmp_path / "known_hosts"
    path.write_text(f"other {KEY}")
    entry = known_hosts.parse(f"x {KEY}")
    known_hosts.add(str(path), "web1", entry.kind, entry.blob)
    assert [each.names for each in known_hosts.read(str(path))] == ["other", "web1"]


@given(st.text())
def test_any_line_is_an_entry_or_nothing(line):
    entry = known_hosts.parse(line)
    assert entry is None or entry.matches("web1") in (True, False)


@given(st.binary(max_size=60))
def test_any_blob_has_a_kind_and_a_fingerprint(blob):
    assert isinstance(known_hosts.kind_of(blob), str)
    assert known_hosts.fingerprint(blob).startswith("SHA256:")
