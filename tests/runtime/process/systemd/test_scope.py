"""How the scope is asked for, of a systemd that is played; tests/vm asks a real one."""

import os

import pytest

from runtime.container import keeper
from runtime.errors import KernelError
from runtime.process import cgroup, hierarchies
from runtime.process.systemd import bus, scope
from tests.runtime.process.systemd import peer
from tests.sandbox import in_sandbox

V1_ALONE, UNIFIED = hierarchies.Hierarchies({}, None), hierarchies.Hierarchies({}, "/sys/fs/cgroup")
EXISTS = peer.refusal("UnitExists", "wherry.scope was already loaded")
ATTACH = ("AttachProcessesToUnit", "wherry.scope")


@pytest.fixture
def systemd(tmp_path, monkeypatch):
    """Play systemd with `answers` on a machine with such `cgroups`, and have this process join: what it was asked."""

    def play(*answers, cgroups=V1_ALONE):
        monkeypatch.setattr(scope, "SOCKET", peer.socket_path(tmp_path))
        monkeypatch.setattr(scope.hierarchies, "find", lambda: cgroups)
        with peer.Peer(scope.SOCKET, answers) as service:
            scope.join()
            return service.calls

    return play


def test_the_first_keeper_has_it_made_around_itself(systemd):
    [call] = systemd(peer.job("done"))
    assert call[:3] == ("StartTransientUnit", "wherry.scope", "fail")
    asked = dict(call[3])
    assert asked["PIDs"] == ("au", [os.getpid()])
    assert asked["Delegate"] == ("b", True)
    assert asked["Slice"] == ("s", "system.slice")


@pytest.mark.parametrize("cgroups, folder", [(V1_ALONE, "/"), (UNIFIED, "/keeper")])
def test_later_ones_join_it_at_once_in_a_folder_where_the_kernel_wants_one(systemd, cgroups, folder):
    calls = systemd(EXISTS, peer.result(), cgroups=cgroups)
    assert calls[1:] == [(*ATTACH, folder, [os.getpid()])]


def test_one_that_ends_in_this_moment_is_made_anew(systemd):
    calls = systemd(EXISTS, peer.refusal("NoSuchUnit", "not loaded"), peer.job("done"))
    assert [name for name, *_ in calls] == ["StartTransientUnit", "AttachProcessesToUnit", "StartTransientUnit"]


def test_a_job_that_fails_is_an_error(systemd):
    with pytest.raises(KernelError, match=r"wherry\.scope: systemd could not start it: failed; see: systemctl"):
        systemd(peer.job("failed"))


def test_another_refusal_is_handed_on(systemd):
    with pytest.raises(bus.Refused, match="shutting down"):
        systemd(peer.refusal("TransactionIsDestructive", "shutting down"))


@pytest.mark.root
@pytest.mark.parametrize("is_there", [False, True])
def test_a_keeper_asks_for_the_scope_where_there_is_systemd_and_leaves_the_session_in_any_case(monkeypatch, is_there):
    @in_sandbox
    def body():
        asked = []
        monkeypatch.setattr(scope, "join", lambda: asked.append(1) or bus.Connection("/run/nobody", 1).__enter__())
        if is_there:
            os.makedirs("/run/systemd/system")  # of the sandbox
        keeper._leave_session()
        assert asked == [1] * is_there
        with open("/proc/self/cgroup") as file:
            assert ":/wherry/keeper\n" in file.read()

    body()


@pytest.mark.root
def test_a_monitor_in_the_scope_makes_cgroups_beside_itself_and_others_find_them(monkeypatch):
    @in_sandbox
    def body():
        v2 = play_scope(monkeypatch)
        keepers = cgroup.Cgroup("keepers", {}, f"{v2}/{hierarchies.KEEPERS}", {})
        try:
            monitor = os.fork()
            if monitor == 0:
                keepers.join(is_in_v2=False)
                made = cgroup.create("wherry/test-beside", {}).v2
                os._exit(made != f"{v2}/{hierarchies.SCOPE}/test-beside")
            assert os.waitpid(monitor, 0)[1] == 0
            found = cgroup.open("wherry/test-beside")
            assert found.v2 == f"{v2}/{hierarchies.SCOPE}/test-beside"
            found.remove()
            assert not os.path.exists(found.v2)
            assert cgroup.create("wherry/test-elsewhere", {}).v2 == f"{v2}/wherry/test-elsewhere"
            cgroup.open("wherry/test-elsewhere").remove()
        finally:
            cgroup.Cgroup("scope", {}, f"{v2}/{hierarchies.SCOPE}", {}).remove()

    body()


def play_scope(monkeypatch):
    """A cgroup as systemd would have made it, on this machine's v2 tree, and that tree alone."""
    v2 = hierarchies.find().v2
    assert v2, "this test needs a mounted cgroup2"
    monkeypatch.setattr(hierarchies, "find", lambda: hierarchies.Hierarchies({}, v2))
    monkeypatch.setattr(hierarchies, "SCOPE", "wherry-test.scope")
    monkeypatch.setattr(hierarchies, "KEEPERS", "wherry-test.scope/keeper")
    os.makedirs("/run/systemd/system")  # of the sandbox
    os.makedirs(f"{v2}/{hierarchies.KEEPERS}")
    return v2
