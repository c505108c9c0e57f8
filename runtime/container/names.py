"""Names of containers: which are allowed, and two-word ones for containers that were given none."""

import posix

from ..errors import UsageError

ALLOWED = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")
FIRST = ALLOWED - frozenset("_.-")
LONGEST = 128
MOODS = (  # split when one is needed
    "amber ample apt bold brave brief brisk calm candid clever coastal cosmic crisp curious deft eager early fair "
    "fleet fluent fond frank fresh gentle glad golden grand happy hardy honest humble jolly keen kind lively loyal "
    "lucid lunar mellow merry mild modest neat nimble noble patient plain polite proud quick quiet rapid ready "
    "robust serene sharp silent simple sleek smart snug solar solid stable steady sunny swift tidy tranquil vivid warm wise"
)
BOATS = (
    "barge barque brig canoe caravel catamaran clipper coaster coracle corvette cutter dhow dinghy dory ferry "
    "flyboat frigate galleon galley gondola hoy ironclad junk kayak keelboat ketch launch lighter longship lugger "
    "narrowboat outrigger packet pilot pinnace pram proa pontoon punt raft sampan schooner scow shallop skiff skipjack "
    "sloop smack steamer tender trawler trimaran tug umiak whaler wherry xebec yacht yawl"
)


def check(name):
    """`name` when it can name a container; UsageError when not."""
    if name and name[0] in FIRST and len(name) <= LONGEST and ALLOWED.issuperset(name):
        return name
    raise UsageError(
        f"{name!r} cannot name a container", hint="use letters, digits, _ . and -, beginning with a letter or digit"
    )


def make(container_id):
    """A readable name that follows from the id, such as `calm_ketch_3f2`."""
    number = int(container_id[:12], 16)
    moods, boats = MOODS.split(), BOATS.split()
    mood, boat = moods[number % len(moods)], boats[number // len(moods) % len(boats)]
    return f"{mood}_{boat}_{container_id[-3:]}"


def new_id():
    """64 random hexadecimal digits, as docker's container ids are."""
    return posix.urandom(32).hex()
