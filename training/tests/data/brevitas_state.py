"""Writes brevitas_state.pt, a checkpoint of a small Brevitas network, and brevitas_state.json, its codes.

Run where brevitas 0.13.4 and torch are installed: python brevitas_state.py
"""

import json
import os

import brevitas.nn as qnn
import torch
from brevitas.inject.enum import BitWidthImplType, RestrictValueType, ScalingImplType, ScalingPerOutputType
from brevitas.quant import Int8ActPerTensorFloat, Int8WeightPerTensorFloat, Int16Bias

HERE = os.path.dirname(os.path.abspath(__file__))


class LearnedWeight(Int8WeightPerTensorFloat):
    scaling_impl_type = ScalingImplType.PARAMETER_FROM_STATS
    restrict_scaling_type = RestrictValueType.LOG_FP
    scaling_per_output_type = ScalingPerOutputType.CHANNEL
    bit_width_impl_type = BitWidthImplType.PARAMETER


class LearnedAct(Int8ActPerTensorFloat):
    bit_width_impl_type = BitWidthImplType.PARAMETER
    restrict_scaling_type = RestrictValueType.LOG_FP


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = qnn.QuantLinear(
            4, 3, bias=True, input_quant=LearnedAct, weight_quant=LearnedWeight, bias_quant=Int16Bias,
            return_quant_tensor=True)
        self.relu = qnn.QuantReLU(return_quant_tensor=True)
        self.fc2 = qnn.QuantLinear(3, 2, bias=False, weight_bit_width=4, return_quant_tensor=True)

    def forward(self, x):
        return self.fc2(self.relu(self.fc1(x)))


torch.manual_seed(0)
net = Net()
net.train()
optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
for _ in range(20):
    loss = (net(torch.randn(8, 4)).value - 1.0).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
net.eval()
x = torch.randn(12, 4)
y = net(x)
torch.save(net.state_dict(), os.path.join(HERE, "brevitas_state.pt"))
with open(os.path.join(HERE, "brevitas_state.json"), "w") as file:
    json.dump({"x": x.tolist(), "codes": y.int().tolist(), "scale": y.scale.flatten().tolist()}, file)
    file.write("\n")
