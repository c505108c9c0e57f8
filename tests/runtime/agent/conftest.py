"""A Host without an agent around it."""

import pytest

from runtime.agent.facts import Facts
from runtime.agent.host import Host
from runtime.agent.undivided import Undivided


class Streams:
    """Contents by digest, and which were asked for."""

    def __init__(self):
        self.contents, self.asked = {}, []

    def pull(self, wanted):
        """As the agent's: (digest, chunks) of each."""
        for digest, _ in wanted:
            self.asked.append(digest)
            data = self.contents[digest]
            yield digest, (data[start : start + 1000] for start in range(0, len(data), 1000))


class Agent:
    """What a Host needs of its agent."""

    def __init__(self):
        self.undivided, self.streams, self.facts, self.offers = Undivided(), Streams(), Facts(), {}


@pytest.fixture
def agent():
    """An agent that a Host can be made of."""
    return Agent()


@pytest.fixture
def host(agent):
    """A Host that changes things and records diffs."""
    return Host(agent, diff=True)


@pytest.fixture
def checking(agent):
    """A Host in check mode."""
    return Host(agent, check=True, diff=True)
