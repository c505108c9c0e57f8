"""Logs: lines never torn, files bounded, followed through a rotation."""

import os
import threading

from runtime.container import logs


def text(lines):
    return b"".join(line.text + (b"\n" if line.ended else b"") for line in lines)


def write(directory, *pieces, **limits):
    log = logs.Log(str(directory), **limits)
    for piece in pieces:
        log.write("stdout", piece)
    log.close()


def test_what_was_written_in_any_pieces_is_read_as_it_was(tmp_path):
    write(tmp_path, b"one\ntw", b"o\n\nthree ", b"\x1b[1m\xff\nno end")
    assert text(logs.read(str(tmp_path))) == b"one\ntwo\n\nthree \x1b[1m\xff\nno end"


def test_lines_carry_their_time_and_their_stream(tmp_path):
    log = logs.Log(str(tmp_path))
    log.write("stdout", b"out\n")
    log.write("stderr", b"err\n")
    log.close()
    first, second = logs.read(str(tmp_path))
    assert (first.stream, second.stream) == ("stdout", "stderr")
    assert first.time <= second.time
    assert len(first.time) == len("2026-11-24T22:00:00.123456789Z")


def test_the_tail_counts_lines_and_an_unfinished_one_is_a_line(tmp_path):
    write(tmp_path, b"one\ntwo\nthree\nfour")
    assert text(logs.read(str(tmp_path), tail=2)) == b"three\nfour"
    assert text(logs.read(str(tmp_path), tail=0)) == b""
    assert text(logs.read(str(tmp_path), tail=9)) == b"one\ntwo\nthree\nfour"


def test_a_line_without_end_is_cut_at_a_megabyte_and_little_of_it_is_held(tmp_path):
    log = logs.Log(str(tmp_path))
    for _ in range(40):
        log.write("stdout", b"x" * 65536)
        assert len(log._rest["stdout"]) < logs.PIECE
    log.close()
    found = text(logs.read(str(tmp_path)))
    assert found.replace(b"\n", b"") == b"x" * 65536 * 40
    assert max(map(len, found.split(b"\n"))) == logs.LINE


def test_rotation_keeps_the_newest_files_and_tears_no_line(tmp_path):
    write(tmp_path, *(b"line %05d\n" % number for number in range(2000)), limit=5000, files=3)
    assert sorted(os.listdir(tmp_path)) == ["log", "log.1", "log.2"]
    assert all(os.path.getsize(tmp_path / name) <= 5000 for name in os.listdir(tmp_path))
    found = text(logs.read(str(tmp_path))).decode().splitlines()
    assert found == [f"line {number:05}" for number in range(2000 - len(found), 2000)]


def test_following_loses_nothing_when_the_file_is_rotated_meanwhile(tmp_path):
    log, done = logs.Log(str(tmp_path), limit=200_000, files=5), threading.Event()
    log.write("stdout", b"line 00000\n")

    def fill():
        for number in range(1, 5000):
            log.write("stdout", b"line %05d\n" % number)
        log.close()
        done.set()

    writer = threading.Thread(target=fill)
    follower = logs.follow(str(tmp_path), ended=done.is_set)
    first = next(follower)
    writer.start()
    found = [first.text, *(line.text for line in follower)]
    writer.join()
    assert found == [b"line %05d" % number for number in range(5000)]


def test_a_link_in_place_of_the_log_is_not_followed(tmp_path):
    (tmp_path / "target").write_text("precious")
    (tmp_path / "log").symlink_to(tmp_path / "target")
    try:
        logs.Log(str(tmp_path))
    except OSError:
        pass
    assert (tmp_path / "target").read_text() == "precious"
