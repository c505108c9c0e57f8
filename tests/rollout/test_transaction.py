"""What a rollout knows of its hosts between lock and commit."""

from wherry.rollout.application import Application
from wherry.rollout.revision import Revision
from wherry.rollout.transaction import Transaction


def test_a_container_that_is_not_asked_for_any_more_is_named():
    transaction = Transaction(Application("shop"), [], None, Revision("", "", "", "me"), lambda *words, **data: None)
    transaction.lock.answers = {
        "web1": {"current": {"containers": [{"name": "shop"}, {"name": "worker"}]}},
        "web2": {"current": None},
    }
    transaction.asked = {"web1": {"shop"}, "web2": {"shop"}}
    assert transaction.left_behind() == {"web1": ["worker"]}
