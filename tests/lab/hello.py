"""Archives of the hello application, and a project that deploys it: what the end-to-end tests roll out."""

import http.client
import os

from wherry import pack

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PORT = 8080
PLAYBOOK = """
- name: Deploy hello
  hosts: web
  gather_facts: false
  serial: [1, "100%"]
  rollout:
    app: hello
    start_timeout: 4
    min_healthy_time: 0.3
  tasks:
    - name: Container runtime
      runtime:
    - name: Image
      image:
        load: "{{ image_archive }}"
    - name: Container
      container:
        name: hello
        image: "{{ image }}"
        ports: ["public:8080:8080"]
        env: {HOST: "{{ inventory_hostname }}"}
        memory: 128m
        health: {http: ":8080/health"}
        rollout: {drain: {signal: USR1}}
"""


def write_archive(folder, version, broken_on=""):
    """Pack a version of the application; the archive's path."""
    with open(os.path.join(ROOT, "playbooks", "demo", "hello.py")) as file:
        text = file.read().replace('VERSION = "1"', f'VERSION = "{version}"')
    source = os.path.join(folder, f"hello-{version}.py")
    with open(source, "w") as file:
        file.write(text.replace('BROKEN_ON = ""', f'BROKEN_ON = "{broken_on}"'))
    path = os.path.join(folder, f"hello-{version}.tar")
    pack.pack_app(path, source, f"hello:{version}")
    return path


def serving(lab, name, port=PORT):
    """What a host answers on the published port."""
    with lab.inside():
        connection = http.client.HTTPConnection(lab.host(name).address, port, timeout=5)
        try:
            connection.request("GET", "/")
            return connection.getresponse().read().decode().strip()
        finally:
            connection.close()
