"""Times Python's faiss on what `agent bench recall` wrote, one query after the other on one thread.

Usage: recall_bench.py FOLDER ROUNDS: FOLDER holds index.faiss, flat.faiss and queries.npy.
Prints one JSON object: faiss's version and, for each index, microseconds a query (p50, p99) and, for flat, the ids found.
"""

import json
import sys
import time
from pathlib import Path

import faiss
import numpy

COUNT = 10

folder, rounds = Path(sys.argv[1]), int(sys.argv[2])
faiss.omp_set_num_threads(1)
queries = numpy.load(folder / "queries.npy")
answer = {"version": faiss.__version__}
for name in ["index", "flat"]:
    index = faiss.read_index(str(folder / f"{name}.faiss"))
    times, found = [], []
    for query in queries:
        index.search(query[None, :], COUNT)
    for turn in range(rounds):
        for query in queries:
            begun = time.perf_counter_ns()
            _, ids = index.search(query[None, :], COUNT)
            times.append((time.perf_counter_ns() - begun) / 1000)
            if turn == 0:
                found.append(ids[0].tolist())
    times.sort()
    answer[name] = {
        "p50": round(times[len(times) // 2], 1),
        "p99": round(times[len(times) * 99 // 100], 1),
        "ids": found if name == "flat" else None,
    }
print(json.dumps(answer))
