"""When a new container counts as well, and what is said of one that does not."""

import os
import socket

from runtime.release import gate


def judge(trial, *probes):
    return [trial.is_over(passed, "text") for passed in probes]


def test_it_takes_several_passes_in_a_row_however_short_the_time():
    trial = gate.Trial(start_timeout=60, min_healthy_time=0)
    assert judge(trial, True, True) == [False, False]
    assert judge(trial, False, True, True, True) == [False, False, False, True]
    assert trial.is_well


def test_passes_must_last_for_the_whole_time(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(gate.time, "monotonic", lambda: now[0])
    trial = gate.Trial(start_timeout=60, min_healthy_time=10)
    assert judge(trial, *[True] * 5) == [False] * 5
    now[0] += 9.9
    assert judge(trial, False, True) == [False, False]
    now[0] += 9.9
    assert judge(trial, True) == [False]
    now[0] += 0.2
    assert judge(trial, True) == [True]


def test_a_container_that_is_on_its_way_is_not_given_up_while_it_passes(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(gate.time, "monotonic", lambda: now[0])
    trial = gate.Trial(start_timeout=5, min_healthy_time=10)
    judge(trial, False)
    now[0] += 4
    judge(trial, True)
    now[0] += 9
    assert judge(trial, True) == [False]
    assert judge(trial, False) == [True]
    assert not trial.is_well and trial.reason == "was not healthy within 5 s"


def test_listening_ports_are_read_for_both_families():
    four, six = socket.create_server(("127.0.0.1", 0)), socket.create_server(("::1", 0), family=socket.AF_INET6)
    shown = gate.listening(os.getpid())
    assert f"127.0.0.1:{four.getsockname()[1]}" in shown and f"::1:{six.getsockname()[1]}" in shown
    four.close()
    six.close()
    assert gate.listening(2**22 - 1) == []
