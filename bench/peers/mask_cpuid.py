# SPDX-License-Identifier: Apache-2.0
"""mask_cpuid.py LIBRARY ADDRESSES OUT: a copy of a shared library in which the cpuid
instructions at these addresses (hexadecimal, a line each) are ud2 instructions."""
import struct
import sys

library, addresses, out = sys.argv[1:]
data = bytearray(open(library, "rb").read())
offset, = struct.unpack_from("<Q", data, 32)
size, count = struct.unpack_from("<HH", data, 54)
segments = []  # (virtual address, file offset, bytes) of what is loaded
for i in range(count):
    kind, _, at, address, _, length = struct.unpack_from("<IIQQQQ", data, offset + i * size)
    if kind == 1:
        segments.append((address, at, length))
for line in open(addresses):
    address = int(line, 16)
    at, = [o + address - a for a, o, n in segments if a <= address < a + n]
    assert data[at:at + 2] == b"\x0f\xa2", line
    data[at:at + 2] = b"\x0f\x0b"
open(out, "wb").write(data)
