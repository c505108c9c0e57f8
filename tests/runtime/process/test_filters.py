"""The filter of a container is compiled once, and only the very section that was compiled gets it."""

import pytest

from runtime.process import capabilities, filters, profile, seccomp


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch):
    monkeypatch.setattr(filters, "KNOWN", [])


def test_a_config_without_a_section_has_no_filter():
    assert filters.of({"linux": {}}) == b""


def test_a_section_is_compiled_once(monkeypatch):
    section = profile.default(capabilities.DEFAULT)
    program = filters.of({"linux": {"seccomp": section}})
    assert program == seccomp.compile(section)
    monkeypatch.setattr(seccomp, "compile", None)
    assert filters.compiled(profile.default(capabilities.DEFAULT)) == program


def test_another_section_has_a_filter_of_its_own():
    usual = filters.compiled(profile.default(capabilities.DEFAULT))
    assert filters.compiled(profile.default(["CAP_SYS_ADMIN"])) not in (usual, b"")
