"""Plain lines: what people and scripts read; nothing a host says can do anything to a terminal."""

import io
import json

import pytest

from wherry import text
from wherry.events import (
    HostSummary,
    HostUnreachable,
    PlayStarted,
    RunFinished,
    Said,
    TaskFinished,
    TaskStarted,
    Warned,
)
from wherry.report import colour, diff
from wherry.report.lines import Lines, recap

EVIL = "a\x1b[2J\x9b\r\u202e\u2028b\ud800"
SAFE = r"a\x1b[2J\x9b\r\u202e\u2028b\ud800"


def shown(*events, **options):
    """The lines that events give."""
    out = io.StringIO()
    lines = Lines(out, **options)
    for event in events:
        lines(event)
    lines.close()
    return [line.rstrip("*").rstrip() if line.endswith("***") else line for line in out.getvalue().splitlines() if line]


def done(host, task="t", status="ok", item=None, **result):
    return TaskFinished(0, host, task, status, result, item, "p:1:1")


def begun(task="t", handler=False):
    return TaskStarted(0, task, "p:1:1", handler)


def test_what_a_host_lacks_of_an_image_is_told():
    lines = shown(begun(), done("web1", status="changed", changed=True, missing_bytes=31_000_000, missing_layers=2))
    assert lines[1:] == ["changed: [web1]", "    lacked 31 MB in 2 layers, before compression"]


def test_the_lines_are_those_that_scripts_know():
    assert shown(
        PlayStarted(0, "site", ("web1",)),
        begun("copy it"),
        done("web1", "copy it", "changed", changed=True),
        begun("maybe"),
        done("web1", "maybe", "skipped", skipped=True),
        begun("each"),
        done("web1", "each", "ok", item="a"),
        done("web1", "each", "failed", item="b", msg="no"),
        done("web1", "each", "failed", results=[], msg="One or more items failed"),
        begun("restart", handler=True),
        done("web1", "restart", "ignored", msg="no", failed=True),
    ) == [
        "PLAY [site]",
        "TASK [copy it]",
        "changed: [web1]",
        "TASK [maybe]",
        "skipping: [web1]",
        "TASK [each]",
        "ok: [web1] => (item=a)",
        'failed: [web1] (item=b) => {"msg": "no"}',
        "RUNNING HANDLER [restart]",
        'fatal: [web1]: FAILED! => {"failed": true, "msg": "no"}',
        "...ignoring",
    ]


def test_the_recap_is_ansibles_and_bytes_come_after_it():
    summary = HostSummary("web1", ok=3, changed=1, failed=1, sent=123456, received=789, content_sent=2000)
    assert recap(summary, 4).split() == [
        "web1",
        ":",
        "ok=3",
        "changed=1",
        "unreachable=0",
        "failed=1",
        "skipped=0",
        "rescued=0",
        "ignored=0",
    ]
    lines = shown(RunFinished(0, (summary,), 1.5, 4, "tasks failed on web1"))
    assert lines[0] == "PLAY RECAP"
    assert lines[2] == "web1 : sent 123 kB (2.0 kB of it content), received 789 B"
    assert lines[3] == "exit code 4 in 1.5 s: tasks failed on web1"


def test_an_unreachable_host_and_a_warning_have_their_lines():
    lines = shown(PlayStarted(0, "p", ("web1",)), begun(), HostUnreachable(0, "web1", "no route"), Warned(0, "careful"))
    assert lines[2] == 'fatal: [web1]: UNREACHABLE! => {"changed": false, "msg": "no route", "unreachable": true}'
    assert lines[3] == "[WARNING]: careful"


def test_steps_of_a_rollout_are_lines_of_their_own():
    assert shown(Said(0, "switch", "hello: port 8080 now leads to release 2", "web1")) == [
        "   switch | web1: hello: port 8080 now leads to release 2"
    ]


def test_hosts_at_different_tasks_are_shown_task_by_task():
    lines = shown(
        PlayStarted(0, "p", ("web1", "web2")),
        begun("one"),
        done("web1", "one"),
        begun("two"),
        done("web1", "two", "changed"),
        done("web2", "one", "skipped"),
        done("web2", "two"),
    )
    assert lines == [
        "PLAY [p]",
        *("TASK [one]", "ok: [web1]", "skipping: [web2]"),
        *("TASK [two]", "changed: [web1]", "ok: [web2]"),
    ]


def test_a_result_of_the_earliest_unfinished_task_is_shown_at_once():
    out = io.StringIO()
    lines = Lines(out)
    for event in (PlayStarted(0, "p", ("web1", "web2")), begun("one"), done("web1", "one")):
        lines(event)
    assert "ok: [web1]" in out.getvalue()


def test_a_lost_host_holds_nothing_back():
    out = io.StringIO()
    lines = Lines(out)
    for event in (
        PlayStarted(0, "p", ("web1", "web2")),
        begun("one"),
        HostUnreachable(0, "web2", "gone"),
        done("web1", "one"),
        begun("two"),
        done("web1", "two"),
    ):
        lines(event)
    assert "TASK [two]" in out.getvalue() and out.getvalue().count("ok: [web1]") == 2


def test_a_handler_that_runs_twice_has_two_headings():
    again = [begun("h", handler=True), done("web1", "h")] * 2
    assert shown(PlayStarted(0, "p", ("web1",)), *again).count("RUNNING HANDLER [h]") == 2


@pytest.mark.parametrize(
    "event",
    [
        done(EVIL, EVIL, "failed", msg=EVIL, stdout=EVIL),
        done(EVIL, EVIL, "ok", item=EVIL),
        done(EVIL, EVIL, "changed", diff=[{"path": EVIL, "before": "", "after": EVIL + "\n"}]),
        done(EVIL, EVIL, "ok", _show=True, msg=EVIL),
        done(EVIL, EVIL, "ok", warnings=[EVIL]),
        HostUnreachable(0, EVIL, EVIL),
        Warned(0, EVIL, EVIL),
        Said(0, "x", EVIL, EVIL),
        RunFinished(0, (HostSummary(EVIL),), 1, 4, EVIL),
    ],
)
def test_no_control_character_from_outside_reaches_the_terminal(event):
    for line in shown(PlayStarted(0, EVIL, (EVIL,)), begun(EVIL), event, verbose=True, diff=True):
        assert line.isprintable()


def test_text_is_made_harmless_and_stays_readable():
    assert text.visible(EVIL) == SAFE
    assert text.visible("ünï→\ttab") == "ünï→\ttab"
    assert text.visible("a\nb") == r"a\nb" and text.visible("a\nb", lines=True) == "a\nb"


def test_a_message_of_several_lines_is_readable_below_its_json():
    lines = shown(
        PlayStarted(0, "p", ("h",)), begun(), done("h", status="failed", msg="a.yml:1:2: bad\n  x: y\n     ^")
    )
    assert json.loads(lines[2].partition(" => ")[2])["msg"].startswith("a.yml:1:2")
    assert lines[3:] == ["    a.yml:1:2: bad", "      x: y", "         ^"]


def test_a_diff_is_unified_and_marks_a_missing_last_newline():
    assert list(diff.lines({"path": "/f", "before": "a\nb\n", "after": "a\nc"})) == [
        *("--- before: /f", "+++ after: /f", "@@ -1,2 +1,2 @@", " a", "-b", "+c"),
        r"\ No newline at end of file",
    ]


@pytest.mark.parametrize(
    ("environment", "tty", "wanted"),
    [
        ({}, False, False),
        ({"TERM": "xterm"}, True, True),
        ({"TERM": "xterm", "NO_COLOR": "1"}, True, False),
        ({"TERM": "dumb"}, True, False),
        ({"CLICOLOR_FORCE": "1"}, False, True),
        ({"CLICOLOR_FORCE": "0"}, False, False),
    ],
)
def test_colours_are_for_terminals_that_want_them(environment, tty, wanted):
    class Out(io.StringIO):
        def isatty(self):
            return tty

    assert colour.wants_colour(Out(), environment) is wanted


@pytest.mark.parametrize(
    ("size", "words"), [(0, "0 B"), (999, "999 B"), (1234, "1.2 kB"), (56789, "57 kB"), (3.4e9, "3.4 GB")]
)
def test_amounts_are_short(size, words):
    assert text.amount(size) == words
