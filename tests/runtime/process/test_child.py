"""A child of ours reports its error, cannot be looked into, and can import nothing."""

import os
import threading

import pytest

from runtime import linux
from runtime.errors import StartError
from runtime.process import child


def outcome(body, **options):
    """What becomes of a child that runs `body`: its Process, or the StartError."""
    return child.await_process(child.launch(body, **options), None, lambda: b"message")


def run_true(report):
    assert report.wait_for_parent() == b"message"
    report.notice("on its way\nto\0execve")
    os.execve("/bin/true", ["true"], {})


def test_execve_is_success_and_notices_arrive_in_one_line():
    process = outcome(run_true)
    assert process.notices == ["on its way to execve"]
    assert os.waitpid(process.pid, 0)[1] == 0
    os.close(process.pidfd)


@pytest.mark.filterwarnings("ignore:sys.meta_path is empty:ImportWarning")
@pytest.mark.parametrize("name", ["json", "encodings"])
def test_nothing_can_be_imported_any_more(name):
    def lazy_import(report):
        "x".encode("ptcp154") if name == "encodings" else __import__("json.tool")  # both imported by nobody before

    with pytest.raises(StartError, match=r"ModuleNotFoundError|LookupError"):
        outcome(lazy_import)


def test_it_is_not_dumpable_from_its_first_moment_and_the_parent_is_again():
    def tell(report):
        raise StartError(f"dumpable is {linux.prctl(linux.PR_GET_DUMPABLE)}")

    with pytest.raises(StartError, match="dumpable is 0"):
        outcome(tell)
    assert linux.prctl(linux.PR_GET_DUMPABLE) == 1


def test_the_reason_of_the_child_is_raised_when_the_parents_share_fails_because_of_it():
    def fail(report):
        raise StartError("the child's reason", exit_code=126)

    launched = child.launch(fail)
    os.waitid(os.P_PID, launched.pid, os.WEXITED | os.WNOWAIT)

    def outside():
        raise OSError("no such process")

    with pytest.raises(StartError, match="the child's reason") as caught:
        child.await_process(launched, None, outside)
    assert caught.value.exit_code == 126


def test_a_caller_with_busy_threads_gets_its_child_all_the_same():
    stop = threading.Event()
    threads = [threading.Thread(target=lambda: [None for _ in iter(stop.is_set, True)]) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(10):
            process = outcome(run_true)
            assert os.waitpid(process.pid, 0)[1] == 0
            os.close(process.pidfd)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
