"""An OCI runtime: spec in, process out.

spec          what a container may do unless told otherwise (pure)
init          start(): from run to execve, one function per step
enter         enter(): one more process in a running container
child         what both share: a child that reports its errors, and its last steps before execve
mounts        the root filesystem, set up through descriptors; rootpath resolves names that an image controls
cgroup        limits, freeze, kill, statistics; hierarchies finds v1, v2 or both; devices is the v2 device program
systemd       the scope that cgroups, keepers and monitors are in where systemd runs the machine
capabilities, filters (with seccomp, profile and syscalls), namespaces, terminal, user
"""
