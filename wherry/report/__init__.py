"""Events for people: lines (plain, as Ansible's), diff, order (of tasks though hosts run at their own pace), colour."""
