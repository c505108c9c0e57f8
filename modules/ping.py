"""Answer, to show that Python works on the host."""


def run(host, data="pong"):
    """Return `data` as `ping`; the word "crash" makes the module fail on purpose.

    data: any text, default pong.  Registers: ping, changed (always false).
    """
    if data == "crash":
        raise Exception("boom")
    return {"changed": False, "ping": data}
