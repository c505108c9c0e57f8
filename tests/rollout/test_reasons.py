"""Errors of several hosts, summed up."""

from wherry.rollout import reasons


def test_hosts_with_the_same_cause_share_a_line():
    texts = {
        "web2": "web2 (root@10.0.0.2:22): its key is not known\n  hint: add it",
        "web1": "web1 (root@10.0.0.1:22): its key is not known\n  hint: add it",
        "web3": "web3: Image: no space left",
    }
    assert reasons.in_one_line(texts) == "web1, web2: its key is not known; web3: Image: no space left"
    assert reasons.hint(texts) == "add it"


def test_a_source_excerpt_is_left_out_and_its_place_kept():
    texts = {"web1": "deploy.yml:3:5: 'a' is undefined\n  x: a\n     ^\n  hint: did you mean 'b'?"}
    assert reasons.in_one_line(texts) == "web1: deploy.yml:3:5: 'a' is undefined"
    assert reasons.hint(texts) == "did you mean 'b'?"


def test_each_advice_is_given_once():
    texts = {"a": "x\n  hint: do this", "b": "y\n  hint: do that", "c": "z\n  hint: do this", "d": ""}
    assert reasons.hint(texts) == "do this; do that"
