"""Hosts with systemd: a place in its tree where nobody's logout ends what we started.

scope    wherry.scope, for keepers, monitors and containers
bus      a client of D-Bus on systemd's own socket
values   how D-Bus writes values down (pure)
"""
