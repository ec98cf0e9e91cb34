"""Bits per byte of checkpoints on one text, in f32 with exact codes: with the cache they were trained with, and in floats without a ring.

    python3 evaluate.py --text DIR/val.bin DIR/quaternary.pt DIR/fp32.pt
"""
import argparse
from dataclasses import replace
from pathlib import Path

import torch

from model import Config, Llama, bits_per_byte
from train import load


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoints", type=Path, nargs="+")
    parser.add_argument("--text", type=Path, required=True)
    parser.add_argument("--one-in", type=int, default=1, help="read one context in this many, spread over the text")
    parser.add_argument("--threads", type=int, default=0)
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    for path in args.checkpoints:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
        trained = Config(**checkpoint["config"])
        data = torch.cat(load(args.text).split(trained.context)[::args.one_in])
        for config in (trained, replace(trained, kv="float"), replace(trained, kv="float", ring=trained.context)):
            model = Llama(config)
            model.load_state_dict(checkpoint["state"])
            value, count = bits_per_byte(model, data)
            print(f"{path.name} step {checkpoint['step']} {args.text.name}, cache in {config.kv}, ring of {config.ring}: "
                  f"{value:.4f} bits per byte over {count} bytes", flush=True)


if __name__ == "__main__":
    main()
