"""Did you mean: what is close enough, and what is not."""

import pytest

from runtime.container.nearest import distance, hint, nearest

VERBS = ["run", "rm", "rmi", "ps", "exec", "images", "inspect", "stop", "start"]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("runn", "run"), ("isnpect", "inspect"), ("image", "images"), ("strat", "start"), ("frobnicate", None)],
)
def test_the_closest_word_is_found_if_it_is_close_enough(typed, meant):
    assert nearest(typed, VERBS) == meant


def test_swapped_neighbours_count_once():
    assert distance("ab", "ba", 2) == 1


def test_the_hint_is_a_question_or_something_else_that_helps():
    assert hint("stpo", VERBS) == 'did you mean "stop"?'
    assert hint("frobnicate", VERBS, "see --help") == "see --help"
