"""Test accuracy of digit classifiers trained with Brevitas, one JSON object a line.

Called by `.ci/accuracy`. Architectures, data, epochs, optimizer and schedule are those of the `accuracy` example.
"""

import argparse
import csv
import gzip
import io
import json
from pathlib import Path

import brevitas.nn as qnn
import torch
from brevitas.quant import (
    Int8ActPerTensorFloat,
    Int8WeightPerTensorFloat,
    SignedBinaryActPerTensorConst,
    SignedBinaryWeightPerTensorConst,
    Uint8ActPerTensorFloat,
)
from torch import nn

DIGITS = Path(__file__).parents[2] / "data" / "digits.csv.gz"
BATCH_SAMPLES = 64
LEARNING_RATE = 5e-3


def load_digits():
    """Grey levels / 16; samples 4, 9, 14, ... are the test set."""
    rows = list(csv.reader(io.TextIOWrapper(gzip.open(DIGITS))))
    table = torch.tensor([[float(value) for value in row] for row in rows])
    test = torch.arange(len(table)) % 5 == 4
    split = lambda mask: (table[mask, :-1] / 16, table[mask, -1].long())
    return split(~test), split(test)


def weight(bits):
    if bits == 1:
        return {"weight_quant": SignedBinaryWeightPerTensorConst}
    return {"weight_quant": Int8WeightPerTensorFloat, "weight_bit_width": bits}


def activation(bits):
    if bits == 1:
        return qnn.QuantIdentity(act_quant=SignedBinaryActPerTensorConst, return_quant_tensor=True)
    return qnn.QuantReLU(act_quant=Uint8ActPerTensorFloat, bit_width=bits, return_quant_tensor=True)


def mlp(bits):
    layers = [qnn.QuantIdentity(act_quant=Int8ActPerTensorFloat, return_quant_tensor=True)]
    for inputs, outputs in [(64, 64), (64, 64)]:
        linear = qnn.QuantLinear(inputs, outputs, bias=False, **weight(bits))
        layers += [linear, nn.BatchNorm1d(outputs), activation(bits)]
    return nn.Sequential(*layers, qnn.QuantLinear(64, 10, bias=True, **weight(bits)))


def cnn(bits):
    layers = [nn.Unflatten(1, (1, 8, 8))]
    layers += [qnn.QuantIdentity(act_quant=Int8ActPerTensorFloat, return_quant_tensor=True)]
    for inputs, outputs in [(1, 8), (8, 16)]:
        conv = qnn.QuantConv2d(inputs, outputs, 3, padding=1, bias=False, **weight(bits))
        layers += [conv, nn.BatchNorm2d(outputs), activation(bits), nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.Flatten(), qnn.QuantLinear(64, 10, bias=True, **weight(bits)))


def train(network, data, epochs, seed):
    inputs, labels = data
    steps = epochs * -(-len(labels) // BATCH_SAMPLES)
    optimizer = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    order = torch.Generator().manual_seed(seed)
    for _ in range(epochs):
        for batch in torch.randperm(len(labels), generator=order).split(BATCH_SAMPLES):
            optimizer.zero_grad()
            nn.functional.cross_entropy(logits(network, inputs[batch]), labels[batch]).backward()
            optimizer.step()
            schedule.step()


def logits(network, inputs):
    output = network(inputs)
    return getattr(output, "value", output)


def accuracy(network, data):
    inputs, labels = data
    network.eval()
    with torch.no_grad():
        return (logits(network, inputs).argmax(1) == labels).float().mean().item()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--seeds", type=int, default=5)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    training, test = load_digits()
    for model in (mlp, cnn):
        for bits in (8, 4, 2, 1):
            for seed in range(1, arguments.seeds + 1):
                torch.manual_seed(seed)
                network = model(bits)
                train(network, training, arguments.epochs, seed)
                result = {"model": model.__name__, "bits": bits, "seed": seed}
                print(json.dumps(result | {"accuracy": accuracy(network, test)}), flush=True)


if __name__ == "__main__":
    main()
