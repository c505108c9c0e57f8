"""The user's own SSH settings for a host: `ssh -G` where OpenSSH is installed, else paramiko's parser of ~/.ssh/config."""

from __future__ import annotations

import glob
import os
import re
import shutil
import subprocess
from dataclasses import dataclass

from wherry.errors import UnreachableError

KEY_NAMES = ("id_ed25519", "id_ecdsa", "id_rsa")
USER_FILE = "~/.ssh/config"
SYSTEM_FILES = ("/etc/ssh/ssh_config", "/etc/ssh/ssh_config.d/*.conf")
# Only these make it worth 15 ms to ask `ssh -G`.
WORD = re.compile(
    r"^\s*(hostname|port|user|identity\w+|certificatefile|proxy\w+|(?:user|global)knownhostsfile|hostkeyalias|stricthostkeychecking|match|include)\b",
    re.IGNORECASE | re.MULTILINE,
)


HASHED = re.compile(r"^\s*hashknownhosts\s+yes\b", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True)
class Settings:
    """What is used to reach one host."""

    hostname: str
    port: int
    user: str
    identity_files: tuple[str, ...]
    certificate_files: tuple[str, ...] = ()
    identities_only: bool = False
    identity_agent: str | None = None  # a socket; None is SSH_AUTH_SOCK; "none" is no agent
    proxy_jump: str = ""
    proxy_command: str = ""
    known_hosts_files: tuple[str, ...] = ()
    host_key_alias: str = ""
    accept_new: bool = False
    hash_known_hosts: bool = False


def lookup(host: str, port: int | None = None, user: str | None = None, file: str | None = None) -> Settings:
    """The settings for a host; port and user that are given win over the files, `file` stands for all of them."""
    found = ask(host, port, user, file)
    one = {key: values[0] for key, values in found.items()}
    files = [*one.get("userknownhostsfile", "").split(), *one.get("globalknownhostsfile", "").split()]
    return Settings(
        hostname=one.get("hostname", host),
        port=port or int(one.get("port", 22)),
        user=user or one.get("user") or current_user(),
        identity_files=tuple(map(home, found.get("identityfile", default_keys()))),
        certificate_files=tuple(map(home, found.get("certificatefile", ()))),
        identities_only=one.get("identitiesonly") == "yes",
        identity_agent=agent_of(one.get("identityagent", "SSH_AUTH_SOCK")),
        proxy_jump="" if one.get("proxyjump", "none") == "none" else one["proxyjump"],
        proxy_command="" if one.get("proxycommand", "none") == "none" else one["proxycommand"],
        known_hosts_files=tuple(
            map(home, files or ("~/.ssh/known_hosts", "~/.ssh/known_hosts2", "/etc/ssh/ssh_known_hosts"))
        ),
        host_key_alias=one.get("hostkeyalias", ""),
        accept_new=one.get("stricthostkeychecking") == "accept-new",  # "no" is not taken as trust
        hash_known_hosts=one.get("hashknownhosts") == "yes",
    )


def ask(host: str, port: int | None, user: str | None, file: str | None) -> dict[str, list[str]]:
    """The keywords that apply to a host, in lower case, each with its values."""
    paths = [home(file or USER_FILE), *(path for pattern in SYSTEM_FILES if not file for path in glob.glob(pattern))]
    texts = [without_default_include(text_of(path)) for path in paths]
    if not any(WORD.search(text) for text in texts):
        return {"hashknownhosts": ["yes"]} if any(HASHED.search(text) for text in texts) else {}
    if shutil.which("ssh"):
        return ask_ssh(host, port, user, file)
    return ask_paramiko(host, paths[0])


def without_default_include(text: str) -> str:
    """The text without the line by which distributions include the folder that is looked at anyway."""
    return re.sub(r"(?im)^\s*include\s+/etc/ssh/ssh_config\.d/\*\.conf\s*$", "", text)


def ask_ssh(host: str, port: int | None, user: str | None, file: str | None) -> dict[str, list[str]]:
    """`ssh -G`: Host, Match, Include and all defaults as OpenSSH understands them."""
    given = {"-F": file, "-p": str(port or ""), "-l": user}
    options = [word for option, value in given.items() if value for word in (option, value)]
    argv = ["ssh", "-G", *options, "--", host]
    done = subprocess.run(argv, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise UnreachableError(f"ssh -G failed: {done.stderr.strip()}", host, "correct ~/.ssh/config")
    found: dict[str, list[str]] = {}
    for line in done.stdout.splitlines():
        key, _, value = line.partition(" ")
        found.setdefault(key, []).append(value)
    return found


def ask_paramiko(host: str, path: str) -> dict[str, list[str]]:
    """A configuration file as paramiko reads it."""
    import paramiko

    config = paramiko.SSHConfig.from_text(text_of(path))
    return {key: value if isinstance(value, list) else [value] for key, value in config.lookup(host).items()}


def agent_of(value: str) -> str | None:
    """IdentityAgent as a socket path; None for the environment's own."""
    if value == "SSH_AUTH_SOCK":
        return None
    return os.environ.get(value[1:], "none") if value.startswith("$") else home(value)


def default_keys() -> list[str]:
    """The key files that SSH tries without being told."""
    return [f"~/.ssh/{name}" for name in KEY_NAMES]


def current_user() -> str:
    """The name of the user who runs wherry."""
    import getpass

    return getpass.getuser()


def home(path: str) -> str:
    """The path with ~ replaced."""
    return os.path.expanduser(path)


def text_of(path: str) -> str:
    """A file's text, empty when it cannot be read."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""
