"""FINN+'s own estimates for one QONNX file, without Vivado. Called by compare.py, in a process of its own.

    python estimate.py MODEL.onnx FOLDER FRAMES_PER_SECOND

First the biases are folded: FINN+ takes the file's quantizer of a bias away, whose scale has one element, and then fails to give that
the shape of the channels. Leaves FINN+'s reports, its folding file and the graph of its nodes in FOLDER. FINN+ imports a simulator and looks for Vivado;
estimates need neither, so an empty module and empty folders stand for them.
"""

import os
import sys
import tempfile
import types

simulator = types.ModuleType("finn.xsi")
simulator.SimEngine = object
simulator.is_available = lambda: False
sys.modules["finn.xsi"] = simulator
scratch = tempfile.mkdtemp()
for name in ("FINN_ROOT", "FINN_BUILD_DIR", "XILINX_VIVADO"):
    os.environ.setdefault(name, os.path.join(scratch, name))
    os.makedirs(os.environ[name], exist_ok=True)

import finn.builder.build_dataflow as build  # noqa: E402
import finn.builder.build_dataflow_config as config  # noqa: E402

import numpy as np  # noqa: E402
import onnx  # noqa: E402
from onnx import numpy_helper  # noqa: E402
from qonnx.custom_op.general.intquant import int_quant  # noqa: E402


def with_folded_biases(path, folder):
    """The file at `path`, in `folder`, with each quantized constant bias as a constant."""
    model = onnx.load(path)
    graph = model.graph
    constants = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    biases = {node.input[2] for node in graph.node if node.op_type in ("Conv", "Gemm") and len(node.input) > 2}
    for node in list(graph.node):
        known = all(name in constants for name in node.input)
        if node.op_type not in ("Quant", "IntQuant") or node.output[0] not in biases or not known:
            continue
        own = {one.name: onnx.helper.get_attribute_value(one) for one in node.attribute}
        inputs = (constants[name] for name in node.input)
        bias = int_quant(*inputs, own["signed"], own["narrow"], own["rounding_mode"].decode())
        graph.initializer.append(numpy_helper.from_array(np.asarray(bias, np.float32), node.output[0]))
        graph.node.remove(node)
    prepared = os.path.join(folder, "prepared.onnx")
    onnx.save(model, prepared)
    return prepared


if __name__ == "__main__":
    model, folder, rate = sys.argv[1:]
    os.makedirs(folder, exist_ok=True)
    model = with_folded_biases(model, folder)
    settings = config.DataflowBuildConfig(
        output_dir=folder,
        target_fps=int(rate),
        synth_clk_period_ns=10.0,
        board="Pynq-Z1",
        steps=config.estimate_only_dataflow_steps,
        generate_outputs=[config.DataflowOutputType.ESTIMATE_REPORTS],
    )
    sys.exit(build.build_dataflow_cfg(model, settings))
