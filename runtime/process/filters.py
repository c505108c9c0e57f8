"""The seccomp filter of a container: the compiled program of its section, compiled once by each process."""

KNOWN = []  # (OCI seccomp section, program): the default one's is in the bundle that commands start from


def of(spec):
    """The compiled filter of an OCI config; b"" when it asks for none."""
    section = spec["linux"].get("seccomp")
    return compiled(section) if section else b""


def compiled(section):
    """The BPF program of an OCI seccomp section; UsageError for what is not known."""
    for known, program in KNOWN:
        if known == section:
            return program
    from . import seccomp  # a millisecond's work, and tables of all system calls

    KNOWN.append((section, seccomp.compile(section)))
    return KNOWN[-1][1]
