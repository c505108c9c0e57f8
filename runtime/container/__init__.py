"""Containers as docker's users know them, over the OCI runtime in `runtime.process`.

request    what was asked for, checked                  nearest    did you mean
record     what is known of one container               names      two-word names for those that have none
config     request + image -> OCI config.json           volumes    bind and named volumes
container  the operations; all that others call         index      names and ids
owner      what the process of a running container does keeper     the process that owners are forked from
endpoint   its address, its published ports             etc        /etc/hosts, hostname and resolv.conf
plumbing   where output goes, where input comes from    logs       lines kept on disk, rotated
copying    output to the log and the caller             skeleton   the layer below the image's
foreground signals and terminals passed on              session    one more command inside
health     probes                                       loop       waiting for descriptors and moments
control    one line of JSON each way                    settle     what a killed monitor left behind
monitor    ask an owner something                       desk       what an owner does then
"""

from .container import Containers as Containers
