"""Time commands in turns: a JSON order on standard input, samples in milliseconds as JSON on standard output.

Sent to a host as text, so standard library only. An order is {"rounds": 15, "commands": {NAME: [[WORD, ...], ...]}}.
The first of a contestant's commands is timed, the others clear up after it; @TURN@ in a word is the round's number.
"""

import json
import subprocess
import sys
import time


def main():
    order = json.load(sys.stdin)
    samples = {name: [] for name in order["commands"]}
    for turn in range(order["rounds"] + 1):
        for name, commands in order["commands"].items():
            taken = timed(name, [word.replace("@TURN@", str(turn)) for word in commands[0]])
            for command in commands[1:]:
                timed(name, [word.replace("@TURN@", str(turn)) for word in command])
            if turn:  # the first round warms caches
                samples[name].append(taken)
    json.dump(samples, sys.stdout)


def timed(name, argv):
    began = time.perf_counter()
    ended = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    taken = (time.perf_counter() - began) * 1000
    if ended.returncode:
        sys.exit(f"{name}: {argv} ended with {ended.returncode}: {ended.stdout[-2000:].decode()}")
    return taken


main()
