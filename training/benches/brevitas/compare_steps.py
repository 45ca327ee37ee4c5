"""Runs the `steps` benchmark and Brevitas alternately and compares their training steps.

Called by `.ci/bench-training`. Brevitas runs as it is and with its kernels compiled (`BREVITAS_JIT=1`); the faster one
counts. Each side counts with its quietest round, because other work on the machine only ever adds time.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

STEPS = {"mlp": 300, "lenet": 100, "dscnn": 40}
SCRIPT = Path(__file__).with_name("steps.py")


def run(command, threads, **environment):
    threads = {"RAYON_NUM_THREADS": str(threads), "OMP_NUM_THREADS": str(threads)}
    done = subprocess.run(
        command, env=os.environ | threads | environment, check=True, stdout=subprocess.PIPE, text=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def best(rounds):
    return min(one["ms"] for one in rounds), max(one["peak_mib"] for one in rounds)


def compare(bench, model, threads, rounds):
    ours, plain, jit = [], [], []
    arguments = [model, str(STEPS[model])]
    brevitas = [sys.executable, "-W", "ignore", str(SCRIPT), *arguments, str(threads)]
    for _ in range(rounds):
        ours.append(run([bench, *arguments], threads))
        plain.append(run(brevitas, threads))
        jit.append(run(brevitas, threads, BREVITAS_JIT="1"))
    exactum_ms, exactum_mib = best(ours)
    brevitas_ms, brevitas_mib = min(best(plain), best(jit))
    return {
        "model": model,
        "threads": threads,
        "exactum_ms": exactum_ms,
        "brevitas_ms": brevitas_ms,
        "ratio": brevitas_ms / exactum_ms,
        "exactum_peak_mib": exactum_mib,
        "brevitas_peak_mib": brevitas_mib,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bench", help="the built benchmark")
    parser.add_argument("output", type=Path, help="JSON file to write")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    print("| model | threads | Exactum ms | Brevitas ms | ratio | Exactum MiB | Brevitas MiB |")
    print("|---|---|---|---|---|---|---|")
    rows = []
    for threads in arguments.threads:
        for model in STEPS:
            row = compare(arguments.bench, model, threads, arguments.rounds)
            rows.append(row)
            cells = [f"{value:.2f}" if isinstance(value, float) else str(value) for value in row.values()]
            print("|", " | ".join(cells), "|", flush=True)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(rows, indent=2) + "\n")


main()
