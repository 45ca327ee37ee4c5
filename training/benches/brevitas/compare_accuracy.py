"""Means over seeds of the accuracies that `.ci/accuracy` collected: a table, and `accuracy.json` beside its inputs."""

import json
import sys
from collections import defaultdict
from pathlib import Path
from statistics import mean, stdev


def read(path):
    accuracies = defaultdict(list)
    for line in path.read_text().splitlines():
        run = json.loads(line)
        accuracies[run["model"], run["bits"]].append(100 * run["accuracy"])
    return accuracies


def main():
    folder = Path(sys.argv[1])
    ours = read(folder / "accuracy-exactum.jsonl")
    theirs = read(folder / "accuracy-brevitas.jsonl")
    rows = []
    print("| model | bits | Exactum | Brevitas | difference |\n|---|---|---|---|---|")
    for model, bits in ours:
        exactum, brevitas = ours[model, bits], theirs[model, bits]
        row = {"model": model, "bits": bits, "seeds": len(exactum)}
        row |= {"exactum": mean(exactum), "brevitas": mean(brevitas)}
        rows.append(row)
        show = lambda values: f"{mean(values):.2f} % ± {stdev(values):.2f}"
        difference = mean(exactum) - mean(brevitas)
        print(f"| {model} | {bits} | {show(exactum)} | {show(brevitas)} | {difference:+.2f} |")
    (folder / "accuracy.json").write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
