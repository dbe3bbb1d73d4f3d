#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Times dtacs beside ONNX Runtime and oneDNN: the same network, weights, input and class of
instruction set, one after the other in random order, pinned, results compared in the same run.

  bench/peers/fetch.sh                    once
  bench/peers/compare.py --isa avx2       U-Net, f32, 512 x 512, one thread
  bench/peers/compare.py --precision int8   8 bit: dtacs's own weights against models quantised for the peers
  bench/peers/compare.py --weights weights/correction.dtw

The error is of scores, held against f32 in double precision; dtacs's int8 has classes only.

A time is the median of a process's runs, then of the rounds: CPU time for one thread, the least
time on the clock for several.  A ratio is the median over the rounds of peer / dtacs.
"""
import argparse
import json
import os
import random
import statistics
import subprocess
import sys

import numpy as np

sys.dont_write_bytecode = True  # nothing is written into the tree
import networks

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
ONEDNN_ISA = {"sse41": "SSE41", "avx2": "AVX2", "avxvnni": "AVX2_VNNI", "avx512": "AVX512_CORE",
              "avx512vnni": "AVX512_CORE_VNNI", "amxint8": "AVX512_CORE_AMX"}


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--weights", default=f"{ROOT}/weights/classification.dtw")
    p.add_argument("--size", type=int, default=512)
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--isa", default="all", choices=["all", *ONEDNN_ISA])
    p.add_argument("--precision", default="f32", choices=["f32", "int8"])
    p.add_argument("--runs", type=int, default=5, help="of a process")
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--cpus", help="to pin to; default: the last ones, as many as threads")
    p.add_argument("--nice", type=int, default=0, help="-20 on a busy machine, for times on the clock (needs root)")
    p.add_argument("--engines", default="dtacs,ort,onednn")
    p.add_argument("--bench", default=f"{ROOT}/build/native/bench")
    p.add_argument("--dtacs", default="", help="more options for bench")
    p.add_argument("--cache", default=os.environ.get("DTACS_PEERS", f"{ROOT}/build/peers"))
    p.add_argument("--json", action="store_true", help="print every round's numbers instead")
    return p.parse_args()


def scene(bands, size):
    """(1, bands, size, size): digital numbers / 10000 of a smooth random scene with fine grain."""
    rng = np.random.default_rng(1)
    total = np.zeros((bands, size, size))
    for cells, weight in ((4, 1.0), (16, 0.5), (64, 0.25)):
        nodes = rng.random((bands, cells + 1, cells + 1))
        at = np.arange(size) * cells / size
        low = at.astype(int)
        part = at - low
        rows = nodes[:, low] * (1 - part)[:, None] + nodes[:, low + 1] * part[:, None]
        total += weight * (rows[:, :, low] * (1 - part) + rows[:, :, low + 1] * part)
    dn = 300 + 3500 * total / total.max() + 100 * rng.random(total.shape)
    return (np.floor(dn)[None] / networks.QUANTIFICATION).astype("f4")


def prepare(a, ops, work):
    """Writes the models and the input; returns what the results are held against."""
    bands, _ = networks.channels(ops)
    x = scene(bands, a.size)
    x.tofile(f"{work}/input.f32")
    scales = None
    if a.precision == "f32":
        networks.write_onnx(ops, f"{work}/model.onnx", a.size)
    else:
        scales = networks.calibrate(ops, x)
        networks.write_quantised_onnx(ops, scales, f"{work}/model.onnx", a.size)
    networks.write_onednn(ops, scales, f"{work}/model")
    import torch
    with open(a.weights, "rb") as f:
        crc = f.read(16)[12:].hex()  # of the whole file
    kept = f"{a.cache}/reference-{os.path.basename(a.weights)}-{crc}-{a.size}.npy"
    if not os.path.exists(kept):
        np.save(kept, networks.run_torch(ops, x, torch.float64))
    return np.load(kept)


def command(engine, a, ops, work):
    bands, outputs = networks.channels(ops)
    files = ["--input", f"{work}/input.f32", "--output", f"{work}/{engine}.f32"]
    shape = ["--bands", bands, "--outputs", outputs, "--size", a.size, "--threads", a.threads, "--runs", a.runs]
    if engine == "dtacs":
        isa = [] if a.isa == "all" else ["--isa", a.isa]
        weights = ["--weights", a.weights] if a.precision == "f32" else []  # int8: those built in
        return [a.bench, "--json", *weights, "--precision", a.precision, *isa, *shape[4:], *files, *a.dtacs.split()]
    if engine == "ort":
        library = "libonnxruntime" + ("" if a.isa == "all" else "_masked") + ".so"
        isa = [] if a.isa == "all" else ["--isa", a.isa]
        return [f"{a.cache}/ort_runner", "--library", f"{a.cache}/{library}", "--model", f"{work}/model.onnx", *shape,
                *files, *isa]
    return [f"{a.cache}/onednn_runner.sh", "--model", f"{work}/model", *shape, *files]


def run(engine, a, ops, work, cpus):
    environment = dict(os.environ, OMP_NUM_THREADS=str(a.threads), ONEDNN_PRIMITIVE_CACHE_CAPACITY="1024")
    if a.isa != "all":
        environment["ONEDNN_MAX_CPU_ISA"] = ONEDNN_ISA[a.isa]
    words = ["taskset", "-c", cpus, *map(str, command(engine, a, ops, work))]
    if a.nice != 0:  # a session of its own: niceness counts only among the processes of one
        script = 'echo "$0" >/proc/self/autogroup; exec nice -n "$0" "$@"'
        words = ["setsid", "-w", "sh", "-c", script, str(a.nice), *words]
    done = subprocess.run(words, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(words)}\n{done.stderr}")
    return json.loads(done.stdout)


def compare(found, wanted):
    """Relative root mean square error, and the share of pixels with the same largest channel."""
    error = np.sqrt(np.mean((found - wanted) ** 2) / np.mean(wanted ** 2))
    return float(error), float(np.mean(found.argmax(1) == wanted.argmax(1)))


def print_table(a, rounds, results):
    """results: {engine: (error, share of the same class)}"""
    key = "cpu_ms" if a.threads == 1 else "least_wall_ms"
    print(f"{os.path.basename(a.weights)}, {a.size} x {a.size}, {a.precision}, {a.isa}, {a.threads} thread(s), "
          f"{a.rounds} rounds of {a.runs} runs; {key}")
    print("| engine | ms | ratio | least and most ratio | peak resident, MiB | error | same class |")
    print("|---|---|---|---|---|---|---|")
    for e in sorted(results, key=lambda e: e != "dtacs"):
        ms = statistics.median(r[e][key] for r in rounds)
        resident = statistics.median(r[e]["peak_resident_bytes"] for r in rounds) / 2**20
        ratios = sorted(r[e][key] / r["dtacs"][key] for r in rounds) if "dtacs" in results else [float("nan")]
        error, same = results[e]
        error_text = "" if e == "dtacs" and a.precision == "int8" else f"{error:.1e}"
        print(f"| {e} {rounds[0][e]['version']} | {ms:.1f} | {statistics.median(ratios):.2f} "
              f"| {ratios[0]:.2f} {ratios[-1]:.2f} | {resident:.0f} | {error_text} | {same:.4f} |")


def main():
    a = arguments()
    work = f"{a.cache}/work-{os.getpid()}"
    os.makedirs(work, exist_ok=True)
    ops = networks.operations(a.weights)
    wanted = prepare(a, ops, work)
    engines = a.engines.split(",")
    cores = os.cpu_count()
    cpus = a.cpus or ",".join(str(c) for c in range(max(0, cores - a.threads), cores))
    rounds = []
    for _ in range(a.rounds):
        random.shuffle(engines)
        rounds.append({e: run(e, a, ops, work, cpus) for e in engines})
    results = {}
    for e in engines:
        results[e] = compare(np.fromfile(f"{work}/{e}.f32", "<f4").reshape(wanted.shape), wanted)
    for name in os.listdir(work):
        os.remove(f"{work}/{name}")
    os.rmdir(work)
    if a.json:
        print(json.dumps(rounds, indent=1))
    else:
        print_table(a, rounds, results)
    # A pixel network of ours ends in whole digital numbers, so only the U-Nets' results are alike to rounding.
    if a.precision == "f32" and len(ops) > 3 and max(error for error, _ in results.values()) > 1e-5:
        sys.exit("a result differs from PyTorch's in double precision by more than 1e-5")


if __name__ == "__main__":
    main()
