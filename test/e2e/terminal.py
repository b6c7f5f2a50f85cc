"""Runs a command on a pseudo-terminal, types what a dialogue says, and prints what came of it as JSON.

Standard input: {"command": [...], "dialogue": [[expected, typed], ...], "size": [rows, columns], "kill": signal or 0}.
An expected text is waited for behind the last one that was found; the text typed for it may be {"resize": [rows, columns]}.
"""
import fcntl, json, os, pty, select, signal, struct, sys, termios, time

wanted = json.load(sys.stdin)


def resize(fd, rows, columns):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


master, slave = pty.openpty()
resize(master, *wanted["size"])
before = termios.tcgetattr(slave)
pid = os.fork()
if pid == 0:
    os.setsid()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    for fd in range(3):
        os.dup2(slave, fd)
    os.close(master)
    os.execvp(wanted["command"][0], wanted["command"])

output = b""
status = None
missed = None
deadline = time.time() + wanted.get("seconds", 90)


def take(seconds):
    global output, status
    if select.select([master], [], [], seconds)[0]:
        output += os.read(master, 65536)
    elif status is None:
        done, code = os.waitpid(pid, os.WNOHANG)
        if done:
            status = os.waitstatus_to_exitcode(code)


at = 0
for expected, typed in wanted["dialogue"]:
    text = expected.encode()
    while output.find(text, at) < 0 and status is None and time.time() < deadline:
        take(0.05)
    found = output.find(text, at)
    if found < 0:
        missed = expected
        break
    at = found + len(text)
    if isinstance(typed, dict):
        resize(master, *typed["resize"])
        os.kill(pid, signal.SIGWINCH)
    else:
        os.write(master, typed.encode())
if missed is None and wanted.get("kill"):
    os.kill(pid, wanted["kill"])
while status is None and time.time() < deadline:
    take(0.05)
while select.select([master], [], [], 0)[0]:
    output += os.read(master, 65536)
if status is None:
    missed = missed or "the end"
    os.kill(pid, signal.SIGKILL)
restored = termios.tcgetattr(slave) == before
print(json.dumps({"output": output.decode("utf8", "replace"), "status": status, "missed": missed, "restored": restored}))
