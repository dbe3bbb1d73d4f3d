#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""JPEG 2000 decoding beside OpenJPEG and Grok: user seconds of whole processes, file to file.

    bench/peers/jp2.py B02.jp2 B05.jp2 [--isa avx512vbmi --isa avx2] [--rounds 5] [--dtacs build/native/dtacs]

One thread on one core; every round runs all decoders, in random order. The outputs must be equal byte for byte. Needs
opj_decompress and grk_decompress (Debian: libopenjp2-tools, grokj2k-tools); one that is not there is left out.
"""
import argparse
import filecmp
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile


def user_seconds(command):
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit {process.returncode}\n{errors.decode()}")
    return usage.ru_utime, usage.ru_maxrss / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+")
    parser.add_argument("--dtacs", default="build/native/dtacs")
    parser.add_argument("--isa", action="append", help="repeatable; default: auto and scalar")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--core", type=int, default=os.cpu_count() - 1)
    parser.add_argument("--folder", default="/dev/shm", help="of the outputs")
    args = parser.parse_args()
    os.sched_setaffinity(0, {args.core})

    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        for path in args.files:
            decoders = {}
            for program, options in ("opj_decompress", ["-threads", "1"]), ("grk_decompress", ["-H", "1"]):
                if shutil.which(program):
                    decoders[program] = [program, *options, "-i", path, "-o", f"{folder}/{program}.rawl"]
            for isa in args.isa or ["auto", "scalar"]:
                out = f"{folder}/{isa}.u16"
                decoders[f"dtacs {isa}"] = [args.dtacs, "decode", path, "-o", out, "--threads", "1", "--isa", isa]
            seconds = {name: [] for name in decoders}
            memory = dict.fromkeys(decoders, 0)
            for _ in range(args.rounds):
                for name in random.sample(list(decoders), len(decoders)):
                    user, peak = user_seconds(decoders[name])
                    seconds[name].append(user)
                    memory[name] = max(memory[name], peak)
            outputs = [f"{folder}/{name}" for name in sorted(os.listdir(folder))]
            equal = all(filecmp.cmp(outputs[0], other, shallow=False) for other in outputs[1:])
            for name in outputs:
                os.remove(name)
            print(f"{path}: outputs {'equal' if equal else 'DIFFER'}")
            medians = {name: statistics.median(values) for name, values in seconds.items()}
            for name, median in medians.items():
                ratios = "  ".join(
                    f"{medians[peer] / median:5.2f} x {peer}" for peer in medians if not peer.startswith("dtacs")
                    and name.startswith("dtacs"))
                print(f"  {name:20} {median:7.3f} s  {memory[name]:6.0f} MiB  {ratios}")
            if not equal:
                sys.exit(1)


if __name__ == "__main__":
    main()
