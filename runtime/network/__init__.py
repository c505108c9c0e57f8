"""The network of containers: bridge, addresses, published ports, names; raw netlink, standard library only.

netlink      messages and the socket they go through        links        rtnetlink: bridge, veth, address, route
ports        what `8080:80` means (pure)                    addresses    leases on disk
bridge       the default network, a container's place in it
expressions  nf_tables instructions (pure)                  ruleset      the tables `wherry` (pure)
nftables     publish, withdraw, switch, reject: one transaction each
conntrack    the kernel's flows                             hangup       ending connections from outside
names        /etc/hosts of a container (pure)
"""
