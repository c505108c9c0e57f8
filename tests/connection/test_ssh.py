"""Whom wherry trusts and how it logs in, against real OpenSSH servers."""

import base64
import os
import subprocess
import time

import pytest

from tests.connection.asking import run
from wherry.connection import known_hosts, ssh
from wherry.connection.session import TaskRequest
from wherry.errors import UnreachableError, UntrustedError

pytestmark = pytest.mark.root


def connect(target):
    """Connect and close: for what is decided before an agent is started."""
    ssh.connect(target).close()


def sign_host(server, authority, *options):
    """Sign the server's host key with an authority's key; the configuration line that shows the certificate."""
    subprocess.run(
        [
            "ssh-keygen",
            "-q",
            "-s",
            server.path(authority),
            "-I",
            "web1",
            "-h",
            *options,
            server.path("host_ed25519.pub"),
        ],
        check=True,
    )
    return f"HostCertificate {server.path('host_ed25519-cert.pub')}"


def test_an_unknown_key_is_refused_before_any_authentication(server):
    server.know("# nothing is known")
    with pytest.raises(UntrustedError) as caught:
        connect(server.target())
    print_ = subprocess.run(
        ["ssh-keygen", "-lf", server.path("host_ed25519")], capture_output=True, text=True
    ).stdout.split()[1]
    assert print_ in str(caught.value)
    assert "accept-new" in caught.value.hint
    assert caught.value.exit_code == 5
    time.sleep(0.3)
    assert "user root" not in server.logged()


def test_a_changed_key_is_refused_with_both_fingerprints_and_the_remedy(server):
    server.keygen("older")
    server.know(f"{server.name} {server.public('older')}")
    with pytest.raises(UntrustedError) as caught:
        connect(server.target(accept_new=True))
    for name in ("older", "host_ed25519"):
        shown = subprocess.run(["ssh-keygen", "-lf", server.path(name)], capture_output=True, text=True).stdout.split()[
            1
        ]
        assert shown in caught.value.what
    assert f"ssh-keygen -R '{server.name}' -f {server.path('known_hosts')}" in caught.value.hint
    time.sleep(0.3)
    assert "user root" not in server.logged()


def test_the_remedy_that_is_named_helps(server):
    server.keygen("older")
    server.know(f"{server.name} {server.public('older')}")
    with pytest.raises(UntrustedError) as caught:
        connect(server.target())
    subprocess.run(caught.value.hint.split(": ")[-1], shell=True, check=True, capture_output=True)
    connect(server.target(accept_new=True))


def test_accept_new_writes_the_key_once_and_then_holds_to_it(server):
    os.unlink(server.path("known_hosts"))
    connect(server.target(accept_new=True))
    connect(server.target(accept_new=True))
    connect(server.target())
    (entry,) = known_hosts.read(server.path("known_hosts"))
    assert entry.matches(server.name)
    assert f"{entry.kind} {base64.b64encode(entry.blob).decode()}" == server.public("host_ed25519")
    assert os.stat(server.path("known_hosts")).st_mode & 0o777 == 0o600


def test_a_revoked_key_is_refused_even_if_it_is_known_too(server):
    key = server.public("host_ed25519")
    server.know(f"{server.name} {key}", f"@revoked * {key}")
    with pytest.raises(UntrustedError, match="revoked"):
        connect(server.target(accept_new=True))


def test_one_odd_line_does_not_spoil_the_file(server):
    key = server.public("host_ed25519")
    server.know("@revoked * ssh-ed25519 notbase64", "garbage", "@new-marker x ssh-ed25519 AAAA", f"{server.name} {key}")
    connect(server.target())


def test_a_hashed_name_is_found(server):
    subprocess.run(["ssh-keygen", "-H", "-f", server.path("known_hosts")], check=True, capture_output=True)
    with open(server.path("known_hosts")) as file:
        assert file.read().startswith("|1|")
    connect(server.target())


def test_the_key_type_that_is_known_is_the_one_asked_for(make_server):
    server = make_server(host_keys=("ed25519", "ecdsa", "rsa"))
    for kind in ("ecdsa", "rsa", "ed25519"):
        server.know(f"{server.name} {server.public('host_' + kind)}")
        connect(server.target())


@pytest.mark.parametrize("form", ["key", "fingerprint"])
def test_a_pinned_key_needs_no_known_hosts(server, form):
    key = server.public("host_ed25519")
    pin = key if form == "key" else known_hosts.fingerprint(known_hosts.parse(f"x {key}").blob)
    server.know("# nothing is known")
    connect(server.target(host_key=pin))
    server.keygen("other")
    with pytest.raises(UntrustedError, match="pins"):
        connect(server.target(host_key=server.public("other")))


def test_a_host_key_signed_by_a_known_authority_is_trusted(make_server):
    server = make_server()
    server.keygen("authority")
    line = sign_host(server, "authority", "-n", "127.0.0.1,web1")
    server.stop()
    server.start(line)
    server.know(f"@cert-authority {server.name} {server.public('authority')}")
    connect(server.target())


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("-n", "db1"), "it is for db1"),
        (("-n", "127.0.0.1", "-V", "20200101:20200102"), "not valid now"),
    ],
)
def test_a_certificate_for_another_host_or_time_is_refused(make_server, options, reason):
    server = make_server()
    server.keygen("authority")
    line = sign_host(server, "authority", *options)
    server.stop()
    server.start(line)
    server.know(f"@cert-authority * {server.public('authority')}")
    with pytest.raises(UntrustedError, match=reason):
        connect(server.target())


def test_a_certificate_of_an_unknown_authority_counts_as_an_unknown_key(make_server):
    server = make_server()
    server.keygen("authority")
    server.keygen("stranger")
    line = sign_host(server, "stranger", "-n", "127.0.0.1")
    server.stop()
    server.start(line)
    server.know(f"@cert-authority * {server.public('authority')}")
    with pytest.raises(UntrustedError, match="not known"):
        connect(server.target())


@pytest.mark.parametrize(
    "line",
    [
        "KexAlgorithms diffie-hellman-group14-sha1",
        "MACs hmac-sha1\nCiphers aes128-ctr",
        "Ciphers aes128-cbc",
        "HostKeyAlgorithms ssh-rsa",
    ],
)
def test_weak_algorithms_are_not_negotiated(make_server, line):
    server = make_server(*line.split("\n"), host_keys=("ed25519", "rsa"))
    with pytest.raises(UnreachableError):
        connect(server.target())


def test_strict_key_exchange_is_agreed(server):
    connection = ssh.connect(server.target())
    try:
        assert connection._hops[-1].agreed_on_strict_kex
    finally:
        connection.close()


def test_a_wrong_key_is_an_error_that_names_it(server):
    server.keygen("stranger")
    with pytest.raises(UnreachableError) as caught:
        connect(server.target(key_files=(server.path("stranger"),)))
    assert "accepted none of the keys" in caught.value.what
    assert "stranger" in caught.value.what
    assert "authorized_keys" in caught.value.hint


def test_a_key_with_a_passphrase_is_named_with_the_remedy(server):
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "secret", "-f", server.path("locked")], check=True)
    with pytest.raises(UnreachableError, match="needs a passphrase"):
        connect(server.target(key_files=(server.path("locked"),)))


@pytest.fixture
def agent(server, monkeypatch):
    """A real ssh-agent with the user's key and nine others; SSH_AUTH_SOCK names it."""
    sock = server.path("agent")
    process = subprocess.Popen(["ssh-agent", "-D", "-a", sock], stdout=subprocess.DEVNULL)
    for _ in range(100):
        if os.path.exists(sock):
            break
        time.sleep(0.02)
    monkeypatch.setenv("SSH_AUTH_SOCK", sock)
    yield process
    process.terminate()
    process.wait()


def add_to_agent(server, *names):
    """Add keys to the agent."""
    for name in names:
        subprocess.run(["ssh-add", "-q", server.keygen(name)], check=True, capture_output=True)


def test_a_key_of_the_agent_is_used(server, agent):
    add_to_agent(server, "user")
    connect(server.target(key_files=()))


def test_identities_only_offers_no_other_key_of_the_agent(server, agent):
    add_to_agent(server, "other1", "other2", "user")
    with open(server.path("config"), "w") as file:
        file.write(
            f"Host web1\n HostName 127.0.0.1\n Port {server.port}\n IdentitiesOnly yes\n IdentityFile {server.path('user.pub')[:-4]}\n"
        )
    os.rename(server.path("user"), server.path("moved"))  # only the agent holds the private half
    connect(server.target(address="web1", port=None, key_files=(), ssh_config=server.path("config")))
    offered = [line for line in server.logged().splitlines() if "Failed publickey" in line]
    assert offered == []


def test_the_agent_is_never_forwarded(server, agent, open_session):
    add_to_agent(server, "user")
    session = open_session(server.target(key_files=()))
    assert (
        run(session, "import os\ndef run(host): return {'socket': os.environ.get('SSH_AUTH_SOCK')}")["socket"] is None
    )


def test_a_users_certificate_is_offered_with_its_key(make_server):
    server = make_server()
    server.keygen("ca")
    server.keygen("signed")
    subprocess.run(
        ["ssh-keygen", "-q", "-s", server.path("ca"), "-I", "me", "-n", "root", server.path("signed.pub")], check=True
    )
    server.stop()
    server.start(f"TrustedUserCAKeys {server.path('ca.pub')}")
    connect(server.target(key_files=(server.path("signed"),)))


def test_the_users_ssh_configuration_is_honoured(server):
    with open(server.path("config"), "w") as file:
        file.write(
            f"Include {server.path('extra')}\nHost web*\n User root\n IdentityFile {server.path('user')}\n UserKnownHostsFile {server.path('known_hosts')}\n"
        )
    with open(server.path("extra"), "w") as file:
        file.write(f"Host web1\n HostName 127.0.0.1\n Port {server.port}\n")
    connect(
        server.target(
            address="web1", port=None, user=None, key_files=(), known_hosts_file=None, ssh_config=server.path("config")
        )
    )


def test_without_openssh_the_configuration_is_read_all_the_same(server, monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: None)
    with open(server.path("config"), "w") as file:
        file.write(
            f"Host web*\n HostName 127.0.0.1\n Port {server.port}\n User root\n IdentityFile {server.path('user')}\n"
        )
        file.write(f" UserKnownHostsFile {server.path('known_hosts')}\n")
    connect(
        server.target(
            address="web1", port=None, user=None, key_files=(), known_hosts_file=None, ssh_config=server.path("config")
        )
    )


def test_two_hops_each_with_its_own_key_checked(make_server):
    first, second, host = (make_server("AllowTcpForwarding yes", name=name) for name in ("first", "second", "host"))
    with open(host.path("known_hosts"), "w") as file:
        file.write("".join(f"{each.name} {each.public('host_ed25519')}\n" for each in (first, second, host)))
    with open(host.path("user.pub")) as key:
        text = key.read()
    for each in (first, second):
        with open(each.path("authorized"), "a") as file:
            file.write(text)
    jump = tuple(f"root@127.0.0.1:{each.port}" for each in (first, second))
    connect(host.target(jump=jump))
    assert "direct-tcpip" in first.logged() or "Accepted publickey" in first.logged()
    assert "Accepted publickey" in second.logged()
    with open(host.path("known_hosts"), "w") as file:
        file.write("".join(f"{each.name} {each.public('host_ed25519')}\n" for each in (first, host)))
    with pytest.raises(UntrustedError) as caught:
        connect(host.target(jump=jump))
    assert str(second.port) in caught.value.where


def test_a_server_that_is_too_busy_is_tried_again(make_server):
    server = make_server("MaxStartups 1:100:1", "LoginGraceTime 2")
    import socket

    blocker = socket.create_connection(("127.0.0.1", server.port))
    started = time.monotonic()
    connect(server.target())
    assert time.monotonic() - started < 9
    blocker.close()


def test_an_address_where_nothing_listens_is_an_error_in_time(server):
    from wherry.connection.target import Target

    started = time.monotonic()
    with pytest.raises(UnreachableError) as caught:
        connect(Target("web9", address="127.0.0.1", port=1, user="root"))
    assert "connection refused" in caught.value.what
    assert "web9" in caught.value.where
    assert time.monotonic() - started < 2


def test_a_host_that_says_nothing_is_an_error_in_time():
    import socket

    from wherry.connection.target import Target

    with socket.create_server(("127.0.0.1", 0)) as silent:
        started = time.monotonic()
        with pytest.raises(UnreachableError):
            connect(Target("mute", address="127.0.0.1", port=silent.getsockname()[1], user="root", timeout=1))
        assert time.monotonic() - started < 8


def test_noise_of_a_login_shell_is_skipped(make_server, open_session, tmp_path):
    noisy = tmp_path / "noisy"
    noisy.write_text(
        '#!/bin/sh\necho "Welcome to web1"; head -c 3000 /dev/zero | tr "\\0" x; echo\nexec /bin/sh "$@"\n'
    )
    noisy.chmod(0o755)
    server = make_server(f'ForceCommand {noisy} -c "$SSH_ORIGINAL_COMMAND"')
    session = open_session(server.target())
    assert session.wait(session.submit(TaskRequest("ping", {})))["ping"] == "pong"


def test_a_shell_that_only_exits_is_a_clear_error(make_server, open_session):
    server = make_server("ForceCommand echo This account is not available; exit 1")
    with pytest.raises(UnreachableError):
        open_session(server.target(python=None))
