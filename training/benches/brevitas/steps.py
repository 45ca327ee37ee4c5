"""Milliseconds of a quantization-aware training step with Brevitas and peak memory, as one JSON object.

Called by `compare_steps.py`; models, batches, quantizers and optimizer are those of the `steps` benchmark.
"""

import argparse
import json
import resource
import statistics
import time

import brevitas.nn as qnn
import torch
from brevitas.quant import Int8ActPerTensorFloat, Int8WeightPerTensorFloat, Uint8ActPerTensorFloat
from torch import nn

WARM_UP_STEPS = 10
WEIGHT = {"weight_quant": Int8WeightPerTensorFloat}


def identity():
    return qnn.QuantIdentity(act_quant=Int8ActPerTensorFloat, collect_stats_steps=1)


def relu():
    return qnn.QuantReLU(act_quant=Uint8ActPerTensorFloat, collect_stats_steps=1)


def linear(inputs, outputs):
    return qnn.QuantLinear(inputs, outputs, bias=True, **WEIGHT)


def mlp():
    layers = [identity(), linear(784, 64), relu(), linear(64, 64), relu(), linear(64, 10)]
    return nn.Sequential(*layers), (64, 784), 10


def lenet():
    layers = [identity()]
    for inputs, outputs in [(1, 6), (6, 16)]:
        conv = qnn.QuantConv2d(inputs, outputs, 5, bias=True, **WEIGHT)
        layers += [conv, relu(), nn.MaxPool2d(2)]
    layers += [nn.Flatten(), linear(256, 120), relu(), linear(120, 84), relu(), linear(84, 10)]
    return nn.Sequential(*layers), (64, 1, 28, 28), 10


def dscnn():
    layers = [identity()]

    def block(inputs, kernel, **settings):
        conv = qnn.QuantConv2d(inputs, 64, kernel, bias=False, **settings, **WEIGHT)
        return [conv, nn.BatchNorm2d(64), relu()]

    layers += block(1, (10, 4), stride=2, padding=(4, 1))
    for _ in range(4):
        layers += block(64, 3, padding=1, groups=64) + block(64, 1)
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), linear(64, 12)]
    return nn.Sequential(*layers), (32, 1, 49, 10), 12


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model", choices=["mlp", "lenet", "dscnn"])
    parser.add_argument("steps", type=int)
    parser.add_argument("threads", type=int)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(1)
    network, shape, classes = globals()[arguments.model]()
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    inputs = torch.rand(shape)
    labels = torch.arange(shape[0]) % classes
    times = []
    for _ in range(WARM_UP_STEPS + arguments.steps):
        start = time.perf_counter()
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(network(inputs), labels)
        loss.backward()
        optimizer.step()
        loss.item()
        times.append((time.perf_counter() - start) * 1e3)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"ms": statistics.median(times[WARM_UP_STEPS:]), "peak_mib": peak}))


main()
