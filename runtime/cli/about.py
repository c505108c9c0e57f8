"""version and help."""

import sys

from ..container.keeper import FOLDER

SUMMARY = {
    "run": "run a command in a new container",
    "create": "make a container, do not start it",
    "start": "start containers that do not run",
    "stop": "ask containers to end, then kill them",
    "kill": "send a signal to containers",
    "rm": "remove containers",
    "wait": "wait until containers have ended",
    "pause": "freeze containers",
    "unpause": "let them go on",
    "rename": "give a container another name",
    "exec": "run a command in a running container",
    "ps": "list containers",
    "logs": "print what a container has written",
    "inspect": "print all that is known of a container or image",
    "images": "list images",
    "load": "load images from an archive",
    "rmi": "remove images",
    "version": "print the version",
}


def version(dirs, words):
    """wherry version"""
    print(f"wherry, payload {FOLDER.rpartition('/')[2][:12]}, Python {sys.version.split()[0]}")
    return 0


def help_(dirs, words):
    """wherry help"""
    print("Usage:  wherry [--root DIR] [--state DIR] COMMAND\n\nContainers of this machine:")
    for verb, text in SUMMARY.items():
        print(f"  {verb:10} {text}")
    print("\nMore on one: wherry COMMAND --help. Deployments: invoke -l")
    return 0
