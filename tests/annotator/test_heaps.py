"""Memory that threads free is there for all of them."""

import subprocess
import sys

import pytest

# Some threads take and give back arrays in pieces of many sizes, one thread after the other; then what is kept is read.
PROGRAM = """
import sys, threading
from annotator.heaps import limit_heaps
if sys.argv[1] == "shared":
    assert limit_heaps()
inside, leave = threading.Barrier(13), threading.Event()
def work():
    pieces = [bytearray(100_000) for _ in range(100)]
    kept = bytearray(1000)
    inside.wait()
    del pieces
    inside.wait()
    leave.wait()
    del kept
threads = [threading.Thread(target=work) for _ in range(12)]
for thread in threads: thread.start()
inside.wait(); inside.wait()
import xml.etree.ElementTree as tree, ctypes, os, tempfile
libc = ctypes.CDLL("libc.so.6")
libc.fopen.restype = ctypes.c_void_p
with tempfile.NamedTemporaryFile() as file:
    stream = ctypes.c_void_p(libc.fopen(file.name.encode(), b"w"))
    libc.malloc_info(0, stream); libc.fclose(stream)
    print(len(tree.parse(file.name).findall("heap")))
leave.set()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's malloc")
def test_many_threads_share_two_heaps():
    heaps = {}
    for how in ("own", "shared"):
        said = subprocess.run([sys.executable, "-c", PROGRAM, how], capture_output=True, text=True)
        if said.returncode and "AssertionError" in said.stderr:
            pytest.skip("another C library")
        heaps[how] = int(said.stdout)
    assert heaps["shared"] <= 2 < heaps["own"]
