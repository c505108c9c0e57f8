"""What a play's `rollout:` may say."""

from dataclasses import fields

import pytest

from wherry.errors import ProjectError
from wherry.language import keywords
from wherry.rollout import application


def test_only_a_name_is_needed_and_the_rest_has_defaults():
    found = application.from_play({"app": "shop"}, None)
    assert (found.app, found.keep, found.retire) == ("shop", 5, "freeze")
    assert set(found.container_defaults()) == {"min_healthy_time", "start_timeout", "drain_timeout", "retire"}


def test_the_keys_that_a_playbook_may_use_are_those_of_an_application():
    assert {field.name for field in fields(application.Application)} == keywords.ROLLOUT


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({}, "app: NAME"),
        ({"app": "Shop!"}, "Shop!"),
        ({"app": "../x"}, "../x"),
        ({"app": "shop", "keep": 1}, "at least 2"),
        ({"app": "shop", "drain_timeout": "soon"}, "soon"),
        ({"app": "shop", "drain_timeout": -1}, "-1"),
        ({"app": "shop", "retire": "melt"}, "melt"),
    ],
)
def test_what_cannot_be_meant_is_an_error_that_names_it(options, part):
    with pytest.raises(ProjectError) as caught:
        application.from_play(options, None)
    assert part in str(caught.value)
