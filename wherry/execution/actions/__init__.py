"""What the engine does itself, one file an action: `run(call, **arguments) -> result`, with a signature like a module's."""
