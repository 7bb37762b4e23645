"""Writes files for ever, each durably, and says so: after a kill of whatever serves the directory every file that was
said is to be there, whole. usage: durable.py DIRECTORY > LOG, then durable.py DIRECTORY --check < LOG"""
import os, sys, hashlib, random

directory = sys.argv[1]


def content(name):
    return hashlib.sha256(name.encode()).digest() * (1 + int(name.split("-")[1]) % 400)


if len(sys.argv) > 2:
    bad = 0
    said = dict(line.split() for line in sys.stdin.read().splitlines())
    for name, size in said.items():
        try:
            got = open(os.path.join(directory, name), "rb").read()
        except OSError as error:
            got = str(error).encode()
        if got != content(name):
            bad += 1
            print("BAD", name, len(got), size)
    # What was not said is whole or not there under its final name: it is renamed when it is durable.
    for name in os.listdir(directory):
        if name.startswith("f-") and open(os.path.join(directory, name), "rb").read() != content(name):
            bad += 1
            print("TORN", name)
    print(len(said), "files", bad, "bad")
    sys.exit(bad > 0)

i = 0
while True:
    i += 1
    name = "f-%d" % i
    fd = os.open(os.path.join(directory, "new-%d" % i), os.O_CREAT | os.O_WRONLY, 0o644)
    os.write(fd, content(name))
    os.fsync(fd)
    os.close(fd)
    os.rename(os.path.join(directory, "new-%d" % i), os.path.join(directory, name))
    at = os.open(directory, os.O_RDONLY)
    os.fsync(at)
    os.close(at)
    print(name, len(content(name)), flush=True)
