"""What several commands print: tables, times, sizes, and text from containers made harmless."""

import time

UNITS = (
    (86400 * 365, "year"),
    (86400 * 30, "month"),
    (86400 * 7, "week"),
    (86400, "day"),
    (3600, "hour"),
    (60, "minute"),
)
PREFIXES = ("B", "kB", "MB", "GB", "TB")


def lines(header, rows):
    """The lines of a table with docker's spacing: each column as wide as its widest cell and three spaces."""
    table = [tuple(header), *(tuple(map(harmless, row)) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*table)]
    return ["   ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in table]


def harmless(text):
    """Text with everything that would move a terminal's cursor, or worse, shown as an escape."""
    text = str(text)
    return text if text.isprintable() else "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


def ago(moment, now=None):
    """How long ago `moment` (seconds since the epoch) was, in words: "3 minutes"."""
    seconds = max(0, int((time.time() if now is None else now) - moment))
    for length, unit in UNITS:
        if seconds >= 2 * length or (seconds >= length and unit in ("hour", "minute")):
            count = seconds // length
            if count == 1:
                return "About an hour" if unit == "hour" else "About a minute"
            return f"{count} {unit}s"
    return f"{seconds} second{'' if seconds == 1 else 's'}" if seconds else "Less than a second"


def size(count):
    """Bytes in docker's way: 1.98MB."""
    number, prefix = float(count), 0
    while number >= 1000 and prefix < len(PREFIXES) - 1:
        number, prefix = number / 1000, prefix + 1
    return f"{number:.3g}{PREFIXES[prefix]}"


def moment(seconds):
    """A point in time as RFC 3339 in UTC; docker's zero time for none."""
    if not seconds:
        return "0001-01-01T00:00:00Z"
    whole = int(seconds)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole)) + f".{int((seconds - whole) * 1e9):09d}Z"
