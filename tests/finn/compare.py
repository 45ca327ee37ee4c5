"""Compares the estimates of exactum with those of FINN+ 1.6.1, layer by layer, at FINN+'s own foldings.

    python -m venv finn && finn/bin/pip install -r tests/finn/requirements.txt
    cargo build --release -p exactum-importer
    finn/bin/python tests/finn/compare.py target/release/exactum tests/data/finn.txt

Each network of the fixtures goes through FINN+'s estimate flow; the foldings that it chose are given to exactum by
`--folding`; cycles and resources of the layers that both have are compared. The table says what is equal, and of each
difference both figures and types. Layers that one side alone has are named. Fails if cycles differ.
"""

import json
import subprocess
import sys
import tempfile
from collections import Counter
from math import prod
from pathlib import Path

import onnx

from networks import MADE

HERE = Path(__file__).parent
FIXTURES = HERE.parent / "fixtures" / "brevitas"
# Fixtures, and frames per second at which FINN+ unrolls some layers and leaves others.
FROM_FIXTURES = {
    "tfc_1w1a": 1_000_000,
    "tfc_1w2a_legacy": 400_000,
    "tfc_2w2a_legacy": 1_000_000,
    "mlp_4bit": 1_000_000,
    "linear_no_bias_legacy": 1_000_000,
    "cnv_1w1a": 100_000,
    "cnv_1w2a_legacy": 300_000,
    "conv_separable": 100_000,
    "conv_padded": 300_000,
    "conv_stride_legacy": 300_000,
    "max_pool_ceil": 100_000,
}
# The same of networks.py's.
MADE_HERE = {
    "shape of TFC, 2 bits": 1_000_000,
    "shape of TFC, 4 bits": 300_000,
    "shape of CNV, 2 bits": 3_000,
    "depthwise, 4 bits": 50_000,
}
# FINN+'s names of what is compared, and ours.
COUNTS = [("LUT", "luts"), ("BRAM_18K", "block_memories"), ("URAM", "urams"), ("DSP", "dsps")]


def attributes(node):
    """Attributes of a node by their names."""
    return {one.name: onnx.helper.get_attribute_value(one) for one in node.attribute}


def kind_of(op_type):
    """The operator without its back end."""
    return op_type.removesuffix("_hls").removesuffix("_rtl")


def shape_in_finn(kind, own):
    """What tells layers of a kind apart, of a node of FINN+."""
    vectors = prod(own.get("numInputVectors", [1]))
    match kind:
        case "MVAU":
            return own["MW"], own["MH"], vectors
        case "VVAU":
            return own["Channels"], tuple(own["Kernel"]), tuple(own["Dim"])
        case "ConvolutionInputGenerator":
            return own["IFMChannels"], tuple(own["IFMDim"]), tuple(own["ConvKernelDim"]), tuple(own["Stride"])
        case "FMPadding":
            return own["NumChannels"], tuple(own["ImgDim"]), tuple(own["Padding"])
        case "Pool":
            return own["Channels"], tuple(own["KernelSize"]), tuple(own["OutImgDims"])
        case "Thresholding":
            return own["NumChannels"], vectors
        case "LabelSelect":
            return (own["Labels"],)
    return ()


def shape_here(kind, own):
    """The same of a stage."""
    match kind:
        case "MVAU":
            return own["matrix_width"], own["matrix_height"], own["vectors"]
        case "VVAU" | "Pool":
            return own["channels"], tuple(own["window"]), tuple(own["output_size"])
        case "ConvolutionInputGenerator":
            return own["channels"], tuple(own["input_size"]), tuple(own["window"]), tuple(own["stride"])
        case "FMPadding":
            return own["channels"], tuple(own["input_size"]), tuple(own["pads"])
        case "Thresholding":
            return own["channels"], own["pixels"]
        case "LabelSelect":
            return (own["labels"],)
    return ()


def matched(nodes, stages):
    """Pairs of nodes and stages of one kind and shape, in order."""
    pairs, left = [], list(stages)
    for name, kind, own in nodes:
        for position, stage in enumerate(left):
            if stage["kind"] == kind and shape_here(kind, stage["dimensions"]) == shape_in_finn(kind, own):
                pairs.append((name, kind, own, stage))
                del left[position]
                break
    return pairs, left


def folding(kind, own):
    """The entry of a folding file for a node."""
    entry = {key: own[key] for key in ("PE", "SIMD", "parallel_window") if key in own}
    style = own.get("ram_style", b"").decode()
    if kind in ("MVAU", "VVAU", "ConvolutionInputGenerator") and style:
        entry["ram_style"] = style
    return entry


def types(own, stage):
    """What a difference of resources comes from."""
    word = lambda key: own.get(key, b"").decode()
    arithmetic = stage["dimensions"].get("arithmetic")
    if arithmetic is None:
        return f"input {word('inputDataType')}, thresholds {word('weightDataType')}"
    here = f"{arithmetic['input_bits']}, {arithmetic['weight_bits']}, {arithmetic['finn_accumulator_bits']} bits"
    return f"{word('inputDataType')}, {word('weightDataType')}, {word('accDataType')} there, {here} here"


def exactum(program, model, folder, *options):
    """The description of a model."""
    command = [program, "dataflow", model, "--device", "xc7z020", "--clock-ns", "10", "-o", folder, "--quiet"]
    done = subprocess.run([*map(str, command), *options], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{model}: {done.stderr}")
    return lambda name: json.loads((folder / name).read_text())


def compare(program, network, rate, make):
    """The lines of a network, and whether cycles differ."""
    with tempfile.TemporaryDirectory() as scratch:
        scratch = Path(scratch)
        model = make(scratch)
        log = (scratch / "log").open("w")
        command = [sys.executable, HERE / "estimate.py", model, scratch / "finn", str(rate)]
        subprocess.run(list(map(str, command)), stdout=log, stderr=log, check=False)
        report = scratch / "finn" / "report"
        if not (report / "estimate_layer_resources.json").exists():
            return [f"{network}: FINN+ fails"], False
        cycles = json.loads((report / "estimate_layer_cycles.json").read_text())
        resources = json.loads((report / "estimate_layer_resources.json").read_text())
        graph = onnx.load(scratch / "finn/intermediate_models/step_generate_estimate_reports.onnx").graph
        nodes = [(node.name, kind_of(node.op_type), attributes(node)) for node in graph.node]
        first = exactum(program, model, scratch / "first", "--target-fps", "1")("dataflow.json")
        pairs, left = matched(nodes, first["stages"])
        entries = {stage["name"]: folding(kind, own) for _, kind, own, stage in pairs}
        file = scratch / "folding.json"
        file.write_text(json.dumps({"Defaults": {}, **entries}))
        read = exactum(program, model, scratch / "here", "--folding", str(file))
        own_cycles, own_resources = read("estimate_layer_cycles.json"), read("estimate_layer_resources.json")
    equal, lines, wrong = Counter(), [], False
    for name, _, own, stage in pairs:
        here = stage["name"]
        if cycles[name] == own_cycles[here]:
            equal["cycles"] += 1
        else:
            wrong = True
            lines.append(f"  {name} = {here}: {cycles[name]} cycles there, {own_cycles[here]} here")
        differing = []
        for part, _ in COUNTS:
            there = int(resources[name][part])
            if there == own_resources[here][part]:
                equal[part] += 1
            else:
                differing.append(f"{part} {there} there, {own_resources[here][part]} here")
        if differing:
            lines.append(f"  {name} = {here}: {'; '.join(differing)} ({types(own, stage)})")
    count = len(pairs)
    parts = ", ".join(f"{part} {equal[part]}" for part in ["cycles", *(part for part, _ in COUNTS)])
    head = f"{network}, {rate} frames/s: {count} of {len(nodes)} nodes matched; equal: {parts}"
    there = [name for name, *_ in nodes if name not in {pair[0] for pair in pairs}]
    if there:
        lines.append(f"  there alone: {', '.join(there)}")
    if left:
        lines.append(f"  here alone: {', '.join(stage['name'] for stage in left)}")
    return [head, *lines], wrong


def networks():
    """Names, rates, and what puts the file of a network into a folder."""
    for network, rate in FROM_FIXTURES.items():
        yield network, rate, lambda _, network=network: FIXTURES / network / "model.onnx"
    for network, rate in MADE_HERE.items():
        made, bits = MADE[network]

        def make(folder, made=made, bits=bits):
            made(folder / "model.onnx", bits)
            return folder / "model.onnx"

        yield network, rate, make


def main(program, table):
    """Writes the table."""
    lines, failed = [], False
    for network, rate, make in networks():
        own, wrong = compare(program, network, rate, make)
        print("\n".join(own), flush=True)
        lines += own
        failed |= wrong
        Path(table).write_text("\n".join(lines) + "\n")
    return failed


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
