"""A layer is compressed once, however many hosts read it, and each reader gets all of it."""

import threading
import zlib

import pytest

from wherry.errors import ArchiveError
from wherry.images.encoded import Encoded

CONTENT = [bytes([index]) * 50_000 for index in range(200)]


def test_readers_that_come_at_any_time_get_all_of_it(tmp_path):
    made = []

    def chunks():
        made.append("once")
        yield from CONTENT

    encoded = Encoded(chunks, str(tmp_path))
    results = []
    readers = [threading.Thread(target=lambda: results.append(b"".join(encoded.read()))) for _ in range(5)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    results.append(b"".join(encoded.read()))
    assert {zlib.decompress(each) for each in results} == {b"".join(CONTENT)}
    assert (made, len(results), list(tmp_path.iterdir())) == (["once"], 6, [])


def test_a_reader_follows_while_it_is_being_made(tmp_path):
    gate = threading.Event()

    def chunks():
        yield from (bytes(range(256)) * 40_000, b"")
        assert gate.wait(20)
        yield b"end"

    reader = Encoded(chunks, str(tmp_path)).read()
    first = next(reader)
    gate.set()
    assert zlib.decompress(first + b"".join(reader)).endswith(b"end")


def test_what_goes_wrong_reaches_every_reader(tmp_path):
    def chunks():
        yield b"x" * 1000
        raise ArchiveError("gone")

    encoded = Encoded(chunks, str(tmp_path))
    for _ in range(2):
        with pytest.raises(ArchiveError, match="gone"):
            b"".join(encoded.read())
