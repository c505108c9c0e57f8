"""The same twenty tasks for wherry, ansible-playbook and pyinfra, and many trivial ones."""

FOLDERS = [f"/opt/bench/folder{number}" for number in range(5)]
FILES = [f"file{number}.txt" for number in range(8)]
TEMPLATES = [f"template{number}.conf" for number in range(4)]
MARKS = [f"/opt/bench/mark{number}" for number in range(3)]


def twenty_tasks(project):
    """Write playbooks/twenty.yml and what it puts on hosts: 5 folders, 8 files, 4 templates, 3 commands."""
    for name in FILES:
        project.write(f"playbooks/files/{name}", f"content of {name}\n" * 40)
    for name in TEMPLATES:
        project.write(f"playbooks/templates/{name}", "# {{ greeting }}\nlisten = {{ 8000 + 80 }}\n" * 10)
    tasks = [f"    - file: {{path: {path}, state: directory, mode: '0755'}}" for path in FOLDERS]
    tasks += [f"    - copy: {{src: {name}, dest: /opt/bench/folder0/{name}, mode: '0644'}}" for name in FILES]
    tasks += [f"    - template: {{src: {name}, dest: /opt/bench/folder1/{name}, mode: '0644'}}" for name in TEMPLATES]
    tasks += [f"    - command: {{cmd: touch {path}, creates: {path}}}" for path in MARKS]
    head = "- hosts: web\n  gather_facts: false\n  vars:\n    greeting: hello from {{ inventory_hostname }}\n  tasks:\n"
    project.write("playbooks/twenty.yml", head + "\n".join(tasks) + "\n")


def trivial(count):
    """A playbook of `count` tasks that find nothing to do."""
    tasks = "    - file: {path: /tmp, state: directory}\n" * count
    return "- hosts: web\n  gather_facts: false\n  tasks:\n" + tasks


def ansible(project, environment):
    """The command of ansible-playbook for the same playbook and hosts."""
    common = f"-F {project.lab.files.ssh_config}"
    playbook = [f"{environment}/bin/ansible-playbook", "-i", "inventory/lab.yml", "playbooks/twenty.yml"]
    return [*playbook, f"--ssh-common-args={common}", "--forks", "16"]


def pyinfra_files(project):
    """Write pyinfra's inventory.py and deploy.py for the same tasks."""
    lab = project.lab
    data = {"ssh_user": "root", "ssh_key": lab.files.key, "ssh_known_hosts_file": lab.files.known_hosts}
    hosts = [(host.address, {**data, "greeting": f"hello from {host.name}"}) for host in lab.hosts]
    project.write("inventory.py", f"web = {hosts!r}\n")
    lines = ["from pyinfra import host", "from pyinfra.operations import files, server"]
    lines += [f"files.directory(path={path!r}, mode='755')" for path in FOLDERS]
    for name in FILES:
        lines.append(f"files.put(src='playbooks/files/{name}', dest='/opt/bench/folder0/{name}', mode='644')")
    for name in TEMPLATES:
        source, target = f"playbooks/templates/{name}", f"/opt/bench/folder1/{name}"
        lines.append(f"files.template(src={source!r}, dest={target!r}, mode='644', greeting=host.data.greeting)")
    lines += [f"server.shell(commands=['test -e {path} || touch {path}'])" for path in MARKS]
    project.write("deploy.py", "\n".join(lines) + "\n")
