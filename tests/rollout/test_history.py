"""What the hosts are asked about their releases."""

import io
from types import SimpleNamespace

import pytest

from wherry.errors import UnreachableError, UsageError
from wherry.rollout import history


class Asked:
    """A fleet whose hosts know these applications."""

    def __init__(self, known):
        self.known = known
        self.variables = SimpleNamespace(scope=lambda host: {})

    def session(self, host):
        if self.known[host.name] is None:
            raise UnreachableError("gone", host.name)
        return SimpleNamespace(release=lambda op, become, app="": self.answer(op, host.name))

    def answer(self, op, host):
        return {
            "applications": {"applications": [{"app": app} for app in self.known[host]]},
            "history": {"releases": []},
            "status": {"containers": []},
        }[op]

    def close(self):
        """Nothing is open."""


def ask(monkeypatch, known, verb, app):
    hosts = [SimpleNamespace(name=name) for name in known]
    monkeypatch.setattr(history, "reach", lambda *_: (Asked(known), hosts))
    out = io.StringIO()
    return verb(None, "prod", app=app, limit="", extra={}, out=out), out.getvalue()


@pytest.mark.parametrize("verb", [history.status, history.history])
def test_an_application_that_no_host_knows_is_an_error_that_names_those_there_are(monkeypatch, verb):
    with pytest.raises(UsageError, match="no application 'nope' on the hosts of prod") as caught:
        ask(monkeypatch, {"web1": ["shop"], "web2": ["mail", "shop"]}, verb, "nope")
    assert (caught.value.exit_code, caught.value.hint) == (1, "there are: mail, shop")


def test_an_application_that_one_host_knows_is_shown(monkeypatch):
    assert ask(monkeypatch, {"web1": ["shop"], "web2": ["mail"]}, history.status, "mail")[0] == 0


def test_where_a_host_is_not_reached_nobody_can_say_that_an_application_is_unknown(monkeypatch):
    code, said = ask(monkeypatch, {"web1": ["shop"], "web2": None}, history.status, "nope")
    assert code == 5 and "web2: gone" in said
