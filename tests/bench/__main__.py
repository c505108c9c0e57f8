"""`python -m tests.bench [NAME...] [--json]`: figures beside those of the peers, each ratio taken in one run."""

import argparse
import json
import os
import sys

from tests.bench import containers, deploys

BENCHMARKS = {
    "cold-run": containers.cold_run,
    "bridge-run": containers.bridge_run,
    "deploy-noop": deploys.deploy_noop,
    "deploy-16": deploys.deploy_16,
    "task-cost": deploys.task_cost,
    "memory": containers.memory,
    "send": deploys.send,
}


def main():
    """Run the named benchmarks, or all, and print their figures."""
    parser = argparse.ArgumentParser(prog="./inv bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--json", action="store_true", help="figures as JSON, one a line")
    chosen = parser.parse_args()
    unknown = [name for name in chosen.names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"no benchmark {unknown[0]!r}; there are: {', '.join(BENCHMARKS)}")
    if os.geteuid() != 0:
        sys.exit("bench: needs root: it runs in throwaway hosts made of namespaces (wherry lab)")
    for name in chosen.names or BENCHMARKS:
        found = BENCHMARKS[name]()
        for figure in found if isinstance(found, list) else [found]:
            sys.stdout.write((json.dumps(figure.to_json()) if chosen.json else figure.to_text()) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
