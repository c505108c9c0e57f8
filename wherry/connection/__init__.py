"""Requests to bytes: how the controller reaches hosts and speaks with the agent there.

target        which host, as whom, trusted how
session       one host: requests out, results back, content on request; request: what can be asked; upload: content
wire          frames and their limits; content: what can be sent
payload       the product's runtime/ and modules/ under one digest; boot: how it gets running on a host
ssh           one SSH connection, hop by hop; known_hosts, host_certificate: trust; keys, ssh_config: the user's own settings
local         the same agent as a child process
interpreter   a host whose python3 does not fit
"""
