"""Runs a program on a pseudo-terminal and talks to it.

    terminal.py STEPS PROGRAM ARGUMENT…

STEPS is a JSON list of ["send", text], ["expect", text] (waits until the output since the last expectation holds the text) and ["signal", name].
Prints what the terminal showed; exit code 0 when all expectations came true and the program ended, 3 otherwise.
"""
import fcntl
import json
import os
import pty
import select
import signal
import struct
import sys
import termios
import time


def main():
    steps = json.loads(sys.argv[1])
    child, terminal = pty.fork()
    if child == 0:
        os.execv(sys.argv[2], sys.argv[2:])
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack('HHHH', 30, 100, 0, 0))
    shown, seen = b'', 0
    deadline = time.monotonic() + 60

    def more():
        nonlocal shown
        ready, _, _ = select.select([terminal], [], [], max(0, deadline - time.monotonic()))
        if not ready:
            return False
        try:
            part = os.read(terminal, 65536)
        except OSError:
            return False
        shown += part
        return bool(part)

    failed = ''
    for kind, text in steps:
        if kind == 'send':
            os.write(terminal, text.encode())
        elif kind == 'signal':
            os.kill(child, getattr(signal, text))
        else:
            while True:
                at = shown.find(text.encode(), seen)
                if at >= 0:
                    seen = at + len(text.encode())
                    break
                if not more():
                    failed = 'not seen: %r after %r' % (text, shown[seen:].decode('utf-8', 'replace'))
                    break
        if failed:
            break
    status = None
    if failed:
        os.kill(child, signal.SIGKILL)
    while more():
        pass
    _, status = os.waitpid(child, 0)
    sys.stdout.write(shown.decode('utf-8', 'replace'))
    if failed:
        sys.stdout.write('\n' + failed + '\n')
    return 3 if failed else os.waitstatus_to_exitcode(status)


if __name__ == '__main__':
    sys.exit(main())
