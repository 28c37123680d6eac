"""Logs in to a PS-NB-GE on a serial port and takes one measurement: measure.py PORT PIN.

Standard library only. Opens the port as a driver does: raw, 9600 baud, 8N1.
"""

import os
import select
import sys
import termios
import time

PATIENCE_S = 15


def open_port(path):
    port = os.open(path, os.O_RDWR | os.O_NOCTTY)
    settings = termios.tcgetattr(port)
    settings[0] = settings[1] = settings[3] = 0
    settings[2] = termios.CS8 | termios.CREAD | termios.CLOCAL
    settings[4] = settings[5] = termios.B9600
    settings[6][termios.VMIN], settings[6][termios.VTIME] = 1, 0
    termios.tcsetattr(port, termios.TCSANOW, settings)
    return port


def ask(port, line, end):
    """Sends a line; what comes until `end`, which every answer ends with."""
    os.write(port, line.encode() + b"\r")
    answer, deadline = b"", time.monotonic() + PATIENCE_S
    while not answer.endswith(end):
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([port], [], [], left)[0]:
            sys.exit(f"no answer to {line!r}, only {answer!r}")
        answer += os.read(port, 256)
    return answer.decode().replace("\r\n", "\n")


port = open_port(sys.argv[1])
time.sleep(0.1)
OK = b"\r\nOK\r\n\r\n"
print(ask(port, sys.argv[2], b"Password Correct\r\n"))
print(ask(port, "AT+12VT=6000", OK))
print(ask(port, "AT+GETSENSORVALUE=0", OK))
os.close(port)
