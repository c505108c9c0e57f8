"""An agent that lies: python3 -c of a program that ignores its arguments and plays a host.  See `target`."""

import os
import sys

from wherry.connection.target import Target

PREAMBLE = """
import json, os, struct, sys, time
digest = sys.argv[-2]
def frame(header, body=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("!II", len(text), len(body)) + text + body
def send(header, body=b""): write(frame(header, body))
def write(data):
    while data: data = data[os.write(1, data):]
def read():
    lengths = struct.unpack("!II", sys.stdin.buffer.read(8))
    header, body = (sys.stdin.buffer.read(each) for each in lengths)
    return json.loads(header), body
def ok(): write(("\\nwherry %s ok\\n" % digest[:16]).encode())
ready = {"type": "ready", "python": "3.11.2", "kernel": "6", "hostname": "h", "boot_id": "b", "machine": "m", "uid": 0, "payload": digest}
"""


def target(tmp_path, script):
    """A target on this machine whose agent is this script."""
    program, python = tmp_path / "agent.py", tmp_path / "python"
    program.write_text(PREAMBLE + script)
    python.write_text(f'#!/bin/sh\nexec {sys.executable} -B {program} "$@"\n')
    os.chmod(python, 0o755)
    return Target("liar", connection="local", python=str(python), timeout=2)
