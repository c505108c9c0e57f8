"""ansible-core and pyinfra in an environment of their own, installed once."""

import os
import subprocess
import sys
import venv

PYTHON = sys.executable
FOLDER = "/var/cache/wherry-bench"
PACKAGES = ["ansible-core", "pyinfra"]
ENVIRONMENT = {
    "ANSIBLE_PIPELINING": "True",
    "ANSIBLE_NOCOWS": "1",
    "ANSIBLE_PYTHON_INTERPRETER": "/usr/bin/python3",
    "LC_ALL": "C.UTF-8",
}


def environment():
    """The environment's folder and an empty text, or why there is none."""
    if all(os.path.exists(f"{FOLDER}/bin/{name}") for name in ("ansible-playbook", "pyinfra")):
        return FOLDER, ""
    try:
        venv.create(FOLDER, with_pip=True)
        pip = [f"{FOLDER}/bin/python", "-m", "pip", "install", "--quiet", *PACKAGES]
        subprocess.run(pip, check=True, capture_output=True, timeout=600)
    except (OSError, subprocess.SubprocessError) as error:
        return "", f"cannot be installed: {error}"
    return FOLDER, ""
