"""The tar reader against Python's writer, and against headers that no writer makes."""

import io
import tarfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.errors import ArchiveError
from runtime.image.stream import Stream
from runtime.image.tar import Tar, looks_like_tar, shown
from tests.runtime.image import crafted

KINDS = {tarfile.REGTYPE: "file", tarfile.DIRTYPE: "dir", tarfile.SYMTYPE: "link", tarfile.LNKTYPE: "hard link"}
names = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=120)
paths = st.lists(names.filter(lambda name: name not in (".", "..")), min_size=1, max_size=4).map("/".join)
members = st.fixed_dictionaries(
    {
        "name": paths,
        "type": st.sampled_from(list(KINDS)),
        "mode": st.integers(0, 0o7777),
        "uid": st.integers(0, 2**32 - 2),
        "gid": st.integers(0, 2**32 - 2),
        "mtime": st.integers(-(2**33), 2**33),
        "content": st.binary(max_size=1500),
        "linkname": paths,
        "xattr": st.binary(max_size=40).filter(lambda value: b"\0" not in value),
    }
)


def read(data, chunk=700):
    """The entries of a tar as (entry, content)."""
    stream = Stream(data[at : at + chunk] for at in range(0, len(data), chunk))
    return [(entry, stream.take(entry.size)) for entry in Tar(stream)]


def written(member, form):
    """A tarfile member as it is written in a format."""
    info = tarfile.TarInfo(member["name"])
    for key in ("type", "mode", "uid", "gid", "mtime", "linkname"):
        setattr(info, key, member[key])
    info.size = len(member["content"]) if member["type"] == tarfile.REGTYPE else 0
    if form == tarfile.PAX_FORMAT:
        info.pax_headers = {"SCHILY.xattr.user.note": member["xattr"].decode("utf-8", "surrogateescape")}
    return info


@settings(max_examples=150, deadline=None)
@given(st.lists(members, max_size=5), st.sampled_from([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]), st.integers(1, 2000))
def test_what_tarfile_writes_is_read_back(written_members, form, chunk):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form, errors="surrogateescape") as tar:
        for member in written_members:
            tar.addfile(written(member, form), io.BytesIO(member["content"]))
    entries = read(buffer.getvalue(), chunk)
    assert len(entries) == len(written_members)
    for (entry, content), member in zip(entries, written_members, strict=True):
        is_file = member["type"] == tarfile.REGTYPE
        is_link = member["type"] in (tarfile.SYMTYPE, tarfile.LNKTYPE)
        assert entry.name.rstrip(b"/") == member["name"].encode()
        assert (entry.kind, entry.mode) == (KINDS[member["type"]], member["mode"])
        assert (entry.uid, entry.gid, entry.mtime) == (member["uid"], member["gid"], member["mtime"] * 10**9)
        assert content == (member["content"] if is_file else b"")
        if is_link:
            assert entry.link == member["linkname"].encode()
        if form == tarfile.PAX_FORMAT:
            assert entry.xattrs == {b"user.note": member["xattr"]}


@pytest.mark.parametrize("text, nanoseconds", [("1.5", 1_500_000_000), ("-1.25", -1_250_000_000), ("7", 7_000_000_000)])
def test_pax_times_keep_their_fraction(text, nanoseconds):
    data = crafted.layer(crafted.member(b"a", pax={b"mtime": text.encode()}))
    assert read(data)[0][0].mtime == nanoseconds


BAD = {
    "a flipped bit in a header": b"b" + crafted.member(b"a")[1:],
    "half a header": crafted.member(b"a")[:300],
    "content that is cut off": crafted.member(b"a", b"x" * 2000)[:1000],
    "a negative size": crafted.member(b"a", size=-5),
    "a size of many petabytes": crafted.member(b"a", size=1 << 60),
    "letters for a size": crafted.member(b"a", pax={b"size": b"many"}),
    "a negative user": crafted.member(b"a", uid=-1),
    "user 2^32-1, which chown ignores": crafted.member(b"a", uid=2**32 - 1),
    "user 2^32, which would wrap to root": crafted.member(b"a", pax={b"uid": b"4294967296"}),
    "a time after the sun": crafted.member(b"a", mtime=2**60),
    "a pax record with a wrong length": crafted.member(b"x", b"99 path=b\n", kind=b"x") + crafted.member(b"a"),
    "a pax record without a length": crafted.member(b"x", b"path=b\n", kind=b"x") + crafted.member(b"a"),
    "a pax header of 100 MB": crafted.member(b"x", kind=b"x", size=100 << 20),
    "a long name of 2 MB": crafted.member(b"x", kind=b"L", size=2 << 20),
    "a pax header and then nothing": crafted.pax_header({b"path": b"b"}),
    "an unknown kind": crafted.member(b"a", kind=b"Z"),
    "an old GNU sparse file": crafted.member(b"a", kind=b"S"),
    "a pax sparse file": crafted.member(b"a", pax={b"GNU.sparse.major": b"1"}),
    "data after one zero block": bytes(512) + crafted.member(b"a"),
}


@pytest.mark.parametrize("data", BAD.values(), ids=BAD)
def test_a_stream_that_no_writer_makes_is_refused(data):
    with pytest.raises(ArchiveError):
        read(data)


def test_a_tar_is_recognised_by_its_checksum():
    assert looks_like_tar(crafted.member(b"a"))
    assert looks_like_tar(bytes(1024))
    assert not looks_like_tar(b"{" * 512)
    assert not looks_like_tar(b"short")


def test_names_are_shown_without_control_characters():
    assert shown(b"a\x1b]52;c\x07\n\xff\xe2\x80\xaeb") == r"a\x1b]52;c\x07\x0a\xff\u202eb"
