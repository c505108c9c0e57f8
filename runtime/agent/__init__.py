"""The process on a host that serves one controller over one channel.

boot      the few lines that the controller passes to `python3 -c`; finds the payload or asks for it
load      verifies, stores and starts the payload
serve     reader thread, queue, order of tasks; what a task is answered
wire      frames; channel: two descriptors that carry them; streams: content on its way here
host      what a module is handed; files, commands, facts, arguments: its parts
become    agents for other users, and for tasks with a time limit: children that frames are passed on to
"""
