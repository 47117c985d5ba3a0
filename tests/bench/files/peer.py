"""Does what child.ts does, for Python: prints the median time of a case in nanoseconds."""

import os
import sys
import time

case, _, at = sys.argv[1].partition(" ")
place, budget = sys.argv[2], float(sys.argv[3]) / 1000
many = os.open(place + "/many", os.O_RDONLY)
files = os.open(place + "/files", os.O_RDONLY)
looked = ["file%d" % i for i in range(1000)]


def read(name, dir=None):
    fd = os.open(name, os.O_RDONLY | os.O_CLOEXEC, dir_fd=dir or files)
    data = os.read(fd, os.fstat(fd).st_size)
    os.close(fd)
    return data


def into(size):
    buffer = bytearray(size)

    def go(name):
        fd = os.open(name, os.O_RDONLY | os.O_CLOEXEC, dir_fd=files)
        os.readv(fd, [buffer])
        os.close(fd)

    return go


written = []


def write(data):
    name = "new-%d-%d" % (os.getpid(), len(written))
    written.append(name)
    fd = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, dir_fd=files)
    os.write(fd, data)
    os.close(fd)


def each(function, *args):
    def body(times):
        for _ in range(times):
            function(*args)

    return body


def stat(times):
    for i in range(times):
        os.stat(looked[i % 1000], dir_fd=files)


def list_in(name):
    fd = os.open(place + "/lists/" + name, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    names = os.listdir(fd)
    os.close(fd)
    return names


def stat_in(path, dir):
    os.stat(path, dir_fd=dir)


KiB, MiB = 1024, 1024 * 1024
body = {
    "names": lambda: each(os.listdir, many),
    "entries": lambda: each(lambda: list(os.scandir(many))),
    "read1K": lambda: each(read, "1 KiB"),
    "read64K": lambda: each(read, "64 KiB"),
    "read500M": lambda: each(read, "500 MiB"),
    "into1K": lambda: each(into(KiB), "1 KiB"),
    "into64K": lambda: each(into(64 * KiB), "64 KiB"),
    "into500M": lambda: each(into(500 * MiB), "500 MiB"),
    "stat": lambda: stat,
    "list": lambda: each(list_in, at),
    "read": lambda: each(read, at, os.open(place + "/sizes", os.O_RDONLY)),
    "deep": lambda: each(stat_in, "/".join(["d"] * int(at)), os.open(place + "/deep", os.O_RDONLY)),
    "write1K": lambda: each(write, bytes(KiB)),
    "write10M": lambda: each(write, bytes(10 * MiB)),
}[case]()


removed = 0


def timed(times):
    global removed
    start = time.perf_counter()
    body(times)
    took = time.perf_counter() - start
    for name in written[removed:]:
        os.unlink(name, dir_fd=files)
    removed = len(written)
    return took


times, spent = 1, 0
while spent < min(budget, 0.15):
    took = timed(times)
    spent += took
    if took < 0.005:
        times *= 2
samples, spent = [], 0
while spent < budget or len(samples) < 2:
    took = timed(times)
    spent += took
    samples.append(took / times * 1e9)
print(sorted(samples)[len(samples) // 2])
