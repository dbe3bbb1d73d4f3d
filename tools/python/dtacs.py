#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The engine from Python: numpy arrays in, numpy arrays out (net/dtacs.h through ctypes).

    net = Network("weights/classification.dtw", library="build/native/libdtacs.so")
    classes = net(dn)                       # dn: (bands, height, width) uint16, or float32 reflectance
    net = Network("weights/correction.dtw", library=...)
    reflectance = net(dn, offset=-1000)     # (bands out, height, width) uint16, x 10000

As a program: dtacs.py --library LIB WEIGHTS SCENE.u16 WIDTH HEIGHT OUT
"""
import argparse
import ctypes as c

import numpy as np

API_VERSION = 1
MAX_BANDS = 16
OK, NEEDS_ROWS, FINISHED = 0, 34, 36


class Options(c.Structure):
    _fields_ = [
        ("width", c.c_int32),
        ("height", c.c_int32),
        ("band", c.c_int32),
        ("input", c.c_int32),
        ("quantification", c.c_float),
        ("offset", c.c_float * MAX_BANDS),
        ("isa", c.c_char_p),
        ("parallel", c.c_void_p),
    ]


class Info(c.Structure):
    _fields_ = [
        ("memory_bytes", c.c_size_t),
        ("classifies", c.c_int32),
        ("inputs", c.c_int32),
        ("outputs", c.c_int32),
        ("input_bands", c.c_int32 * MAX_BANDS),
        ("output_bands", c.c_int32 * MAX_BANDS),
        ("lag", c.c_int32),
    ]


class Row(c.Structure):
    _fields_ = [
        ("y", c.c_int32),
        ("classes", c.POINTER(c.c_uint8)),
        ("reflectance", c.POINTER(c.c_uint16) * MAX_BANDS),
    ]


def aligned(size):
    """Uninitialised bytes on a 64-byte boundary."""
    block = np.empty(size + 63, np.uint8)
    skip = -block.ctypes.data % 64
    return block[skip : skip + size]


class Network:
    def __init__(self, weights, library="libdtacs.so"):
        self.lib = c.CDLL(library)
        if self.lib.dtacs_api_version() != API_VERSION:
            raise OSError(f"{library} has another version of the interface than {API_VERSION}")
        self.lib.dtacs_describe.restype = c.c_char_p
        content = np.fromfile(weights, np.uint8)
        self.weights = aligned(content.size)
        self.weights[:] = content

    def check(self, status):
        if status != OK:
            raise ValueError(self.lib.dtacs_describe(status).decode())

    def __call__(self, image, offset=0.0, quantification=10000.0, band=0):
        """image: (bands, height, width); offset: one for all bands, or one for each."""
        image = np.ascontiguousarray(image)
        if image.dtype not in (np.uint16, np.float32):
            raise TypeError(f"digital numbers as uint16 or reflectance as float32, not {image.dtype}")
        bands, height, width = image.shape
        if bands > MAX_BANDS:
            raise ValueError(f"{bands} bands, expected {MAX_BANDS} at most")
        options = Options(
            width=width, height=height, band=band, input=int(image.dtype == np.float32), quantification=quantification
        )
        options.offset[:bands] = np.broadcast_to(np.float32(offset), bands).tolist()
        weights = self.weights.ctypes.data_as(c.c_void_p), c.c_size_t(self.weights.size)

        info = Info()
        self.check(self.lib.dtacs_measure(*weights, c.byref(options), c.byref(info)))
        if info.inputs != bands:
            raise ValueError(f"the weights need {info.inputs} bands, not {bands}")
        block, plan = aligned(info.memory_bytes), c.c_void_p()
        memory = block.ctypes.data_as(c.c_void_p), c.c_size_t(block.size)
        self.check(self.lib.dtacs_open(*weights, c.byref(options), *memory, c.byref(plan)))

        if info.classifies:
            out = np.empty((1, height, width), np.uint8)
        else:
            out = np.empty((info.outputs, height, width), np.uint16)
        row = Row()
        for y in range(height):
            self.check(self.lib.dtacs_push(plan, (c.c_void_p * bands)(*(image[i, y].ctypes.data for i in range(bands)))))
            while (status := self.lib.dtacs_pull(plan, c.byref(row))) == OK:
                for m, plane in enumerate(out):
                    values = row.classes if info.classifies else row.reflectance[m]
                    plane[row.y] = np.ctypeslib.as_array(values, (width,))
            if status not in (NEEDS_ROWS, FINISHED):
                self.check(status)
        return out[0] if info.classifies else out


if __name__ == "__main__":
    p = argparse.ArgumentParser(description="Runs a network over raw little-endian uint16 bands, one after the other.")
    p.add_argument("--library", default="libdtacs.so")
    p.add_argument("--offset", type=float, default=0.0)
    for name in ("weights", "scene"):
        p.add_argument(name)
    for name in ("width", "height"):
        p.add_argument(name, type=int)
    p.add_argument("out")
    a = p.parse_args()
    scene = np.fromfile(a.scene, "<u2").astype(np.uint16).reshape(-1, a.height, a.width)
    Network(a.weights, a.library)(scene, offset=a.offset).tofile(a.out)
