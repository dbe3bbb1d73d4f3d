# SPDX-License-Identifier: Apache-2.0
"""Rasters as numpy arrays: the GeoTIFFs dtacs writes, and JPEG 2000 through dtacs itself."""
import os
import re
import struct
import subprocess
import tempfile
import zlib

import numpy as np


def read_tiff(path):
    """(array (bands, height, width), band names) of a file GeoTiffWriter made: little-endian strips, bands apart."""
    with open(path, "rb") as f:
        data = f.read()
    big = struct.unpack_from("<H", data, 2)[0] == 43
    at = struct.unpack_from("<Q" if big else "<I", data, 8 if big else 4)[0]
    count = struct.unpack_from("<Q" if big else "<H", data, at)[0]
    word = "Q" if big else "I"
    tags = {}
    for i in range(count):
        entry = at + (8 + 20 * i if big else 2 + 12 * i)
        tag, kind, n = struct.unpack_from("<HH" + word, data, entry)
        code = {2: "s", 3: "H", 4: "I", 12: "d", 16: "Q"}[kind]
        size, slot = n * struct.calcsize(code), entry + (12 if big else 8)
        where = slot if size <= struct.calcsize(word) else struct.unpack_from("<" + word, data, slot)[0]
        tags[tag] = struct.unpack_from(f"<{n}{code}", data, where)
    width, height, bits, bands = tags[256][0], tags[257][0], tags[258][0], tags[277][0]
    rows, strips = tags[278][0], len(tags[273]) // bands
    out = np.empty((bands, height, width), np.uint8 if bits == 8 else np.uint16)
    for s, (offset, size) in enumerate(zip(tags[273], tags[279])):
        raw = data[offset : offset + size]
        raw = zlib.decompress(raw) if tags[259][0] == 8 else raw
        part = np.frombuffer(raw, "u1" if bits == 8 else "<u2").reshape(-1, width)
        if tags.get(317, (1,))[0] == 2:
            part = np.cumsum(part, 1, dtype=out.dtype)
        y = s % strips * rows
        out[s // strips, y : y + len(part)] = part
    items = tags.get(42112, (b"",))[0].decode()
    return out, re.findall(r'name="DESCRIPTION"[^>]*>([^<]*)<', items)


def read_jp2(dtacs, path):
    """(height, width) of 8 or 16 bits."""
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "x.tif")
        subprocess.run([dtacs, "decode", path, "-o", out], check=True)
        return read_tiff(out)[0][0]


def on_grid(image, shape):
    """By nearest neighbour on a finer grid."""
    k = max(1, round(shape[0] / image.shape[0]))
    return np.repeat(np.repeat(image, k, 0), k, 1)[: shape[0], : shape[1]]
