"""Networks of FINN's own examples by their shapes, with random weights: what compare.py compares besides the fixtures.

Cycles, memories and foldings do not depend on the weights. TFC is three layers of 64 behind 784 inputs, CNV six convolutions
and three dense layers behind 32 x 32 pixels.
"""

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper, save

QONNX = "qonnx.custom_op.general"


class Network:
    """A chain of QONNX nodes."""

    def __init__(self, name, shape):
        self.name, self.shape, self.nodes, self.constants = name, shape, [], []
        self.last, self.random = "x", np.random.default_rng(7)

    def constant(self, array):
        """The name of a new constant."""
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def node(self, kind, inputs, **attributes):
        """Adds a node behind the last one."""
        name = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], name=f"{kind}_{len(self.nodes)}", **attributes))
        self.last = name
        return name

    def quant(self, x, scale, bits, signed, narrow):
        """Quantizes `x`."""
        numbers = [self.constant(np.float32(number)) for number in (scale, 0.0, bits)]
        return self.node(
            "Quant", [x, *numbers], domain=QONNX, signed=signed, narrow=narrow, rounding_mode="ROUND"
        )

    def weights(self, shape, bits):
        """Quantized weights."""
        most = max(1, 2 ** (bits - 1) - 1)
        codes = self.random.integers(-most, most + 1, shape)
        return self.quant(self.constant((codes * 0.25).astype(np.float32)), 0.25, bits, 1, 1)

    def activation(self, bits):
        """ReLU and codes."""
        self.node("Relu", [self.last])
        self.quant(self.last, 0.5, bits, 0, 0)

    def conv(self, inputs, outputs, bits, groups=1, pads=0):
        """A convolution with windows of 3 x 3 and its activation."""
        x = self.last
        weights = self.weights((outputs, inputs // groups, 3, 3), bits)
        self.node("Conv", [x, weights], kernel_shape=[3, 3], pads=[pads] * 4, strides=[1, 1], group=groups)
        self.activation(bits)

    def dense(self, inputs, outputs, bits):
        """A dense layer."""
        x = self.last
        self.node("MatMul", [x, self.weights((inputs, outputs), bits)])

    def pool(self):
        """The largest of 2 x 2 pixels."""
        self.node("MaxPool", [self.last], kernel_shape=[2, 2], strides=[2, 2], pads=[0] * 4)

    def save(self, path, outputs):
        """Writes the file."""
        x = helper.make_tensor_value_info("x", TensorProto.FLOAT, self.shape)
        y = helper.make_tensor_value_info(self.last, TensorProto.FLOAT, [1, outputs])
        graph = helper.make_graph(self.nodes, self.name, [x], [y], self.constants)
        opsets = [helper.make_opsetid("", 13), helper.make_opsetid(QONNX, 1)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
        checker.check_model(model)
        save(model, path)


def tfc(path, bits):
    """TFC."""
    network = Network(f"tfc_{bits}bit", [1, 784])
    network.quant("x", 1 / 128, 8, 1, 0)
    for inputs, outputs in ((784, 64), (64, 64), (64, 64)):
        network.dense(inputs, outputs, bits)
        network.activation(bits)
    network.dense(64, 10, bits)
    network.save(path, 10)


def cnv(path, bits):
    """CNV."""
    network = Network(f"cnv_{bits}bit", [1, 3, 32, 32])
    network.quant("x", 1 / 128, 8, 1, 0)
    for inputs, outputs, pooled in ((3, 64, 0), (64, 64, 1), (64, 128, 0), (128, 128, 1), (128, 256, 0), (256, 256, 0)):
        network.conv(inputs, outputs, bits)
        if pooled:
            network.pool()
    network.node("Reshape", [network.last, network.constant(np.array([1, 256], np.int64))])
    for inputs, outputs in ((256, 512), (512, 512)):
        network.dense(inputs, outputs, bits)
        network.activation(bits)
    network.dense(512, 10, bits)
    network.save(path, 10)


def separable(path, bits):
    """A padded convolution, a depthwise one and a dense layer."""
    network = Network(f"separable_{bits}bit", [1, 3, 16, 16])
    network.quant("x", 1 / 128, 8, 1, 0)
    network.conv(3, 16, bits, pads=1)
    network.conv(16, 16, bits, groups=16, pads=1)
    network.pool()
    network.node("Reshape", [network.last, network.constant(np.array([1, 1024], np.int64))])
    network.dense(1024, 10, bits)
    network.save(path, 10)


MADE = {
    "shape of TFC, 2 bits": (tfc, 2),
    "shape of TFC, 4 bits": (tfc, 4),
    "shape of CNV, 2 bits": (cnv, 2),
    "depthwise, 4 bits": (separable, 4),
}
