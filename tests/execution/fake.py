"""A session whose host says what the test wants."""

from wherry.connection.session import Ticket


class FakeSession:
    """Answers requests with `answer(request)`, facts with `facts_answer`."""

    def __init__(self, answer=lambda request: {"changed": False}, facts_answer=None):
        self.sent = self.received = self.content_sent = 0
        self.contents, self.requests = {}, []
        self._answer, self._facts = answer, facts_answer or {}

    def submit(self, request):
        self.requests.append(request)
        return Ticket(len(self.requests))

    def wait(self, ticket):
        return self._answer(self.requests[ticket.number - 1])

    def facts(self, names):
        return self._facts

    def interrupt(self):
        """Nothing waits here."""

    def close(self):
        """Nothing is open here."""
