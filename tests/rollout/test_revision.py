"""Which state of a project is deployed."""

import subprocess

import pytest

from wherry.errors import UsageError
from wherry.project import Project
from wherry.rollout import revision


@pytest.fixture
def repository(tmp_path):
    """A git repository with one commit."""

    def git(*words):
        subprocess.run(
            ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", *words],
            cwd=tmp_path,
            check=True,
            capture_output=True,
        )

    git("init", "-q")
    (tmp_path / "file").write_text("one\n")
    git("add", "file")
    git("commit", "-q", "-m", "First")
    return tmp_path


def test_a_clean_project_is_its_commit(repository):
    found = revision.of(Project(str(repository)), dirty=False)
    assert (len(found.commit), found.subject, found.changes) == (40, "First", "")


def test_uncommitted_changes_are_refused_with_the_way_out(repository):
    (repository / "file").write_text("two\n")
    with pytest.raises(UsageError) as caught:
        revision.of(Project(str(repository)), dirty=False)
    assert "file" in str(caught.value)
    assert "--dirty" in str(caught.value)


def test_allowed_changes_are_recorded_by_digest(repository):
    (repository / "file").write_text("two\n")
    one = revision.of(Project(str(repository)), dirty=True).changes
    (repository / "file").write_text("three\n")
    assert len(one) == 64
    assert one != revision.of(Project(str(repository)), dirty=True).changes


def test_a_project_outside_of_git_has_no_commit(tmp_path):
    assert revision.of(Project(str(tmp_path)), dirty=False).commit == ""
