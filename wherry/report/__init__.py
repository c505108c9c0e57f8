"""Events for people: lines (plain, as Ansible's), with what hosts said made harmless (text)."""
