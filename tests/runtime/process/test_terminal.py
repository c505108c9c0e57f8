"""Our terminals have sizes, and the operator's comes back as it was."""

import os
import termios

from runtime.process import terminal


def test_a_size_that_was_set_is_read_at_the_other_end():
    master, slave = terminal.open()
    terminal.set_size(master, 40, 132)
    assert terminal.size(slave) == (40, 132)
    assert not os.get_inheritable(master)
    os.close(master)
    os.close(slave)


def test_raw_mode_passes_every_key_and_is_undone():
    master, slave = terminal.open()
    before = termios.tcgetattr(slave)
    with terminal.Raw(slave):
        os.write(master, b"\x03\r\x04a")
        assert os.read(slave, 10) == b"\x03\r\x04a"
        assert not termios.tcgetattr(slave)[3] & (termios.ECHO | termios.ICANON | termios.ISIG)
    assert termios.tcgetattr(slave) == before
    os.close(master)
    os.close(slave)
