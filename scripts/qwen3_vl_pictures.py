#!/usr/bin/env python3
"""Writes the goldens of pictures: what the reference's image processor makes of pictures of several sizes.

    python scripts/qwen3_vl_pictures.py actors/qwen3-vl/tests/pictures

Needs torch 2.9, torchvision 0.24, transformers 4.57, numpy, pillow. The pictures themselves are not stored: each pixel is a
formula, and `tests/pictures.rs` has the same formula.
"""

import json
import sys
import zlib
from pathlib import Path

import numpy
import torch
from transformers import Qwen2VLImageProcessor, Qwen2VLImageProcessorFast

SIZES = [(240, 160), (480, 320), (256, 256), (320, 224), (160, 144), (1, 1), (33, 47), (1000, 30), (17, 900), (640, 400), (1300, 900)]
SAMPLES = 97
SETTINGS = dict(
    size={"shortest_edge": 65536, "longest_edge": 16777216},
    patch_size=16,
    temporal_patch_size=2,
    merge_size=2,
    image_mean=[0.5, 0.5, 0.5],
    image_std=[0.5, 0.5, 0.5],
)
OTHER_SETTINGS = SETTINGS | dict(
    size={"shortest_edge": 4096, "longest_edge": 50000},
    image_mean=[0.48145466, 0.4578275, 0.40821073],
    image_std=[0.26862954, 0.26130258, 0.27577711],
)


def picture(width, height):
    """Ramps, hard edges and noise, so that overshoot and rounding show."""
    y, x = numpy.mgrid[0:height, 0:width].astype(numpy.uint32)
    planes = []
    for channel in range(3):
        noise = ((x * 73856093) ^ (y * 19349663) ^ numpy.uint32(channel * 83492791)) * numpy.uint32(2654435761) >> 24
        ramp = (x * 3 + y * 5 + channel * 40) & 255
        edge = (((x >> 3) + (y >> 3)) & 1) * 255
        planes.append(numpy.where((x >> 5) % 3 == 0, noise, numpy.where((x >> 5) % 3 == 1, ramp, edge)))
    return numpy.stack(planes, -1).astype(numpy.uint8)


def prepared(processor, pixels):
    out = processor(images=[torch.from_numpy(pixels).permute(2, 0, 1)], return_tensors="pt", input_data_format="channels_first")
    return out["pixel_values"].numpy(), out["image_grid_thw"][0].tolist()


def main(folder):
    goldens = []
    for name, settings in [("usual", SETTINGS), ("other", OTHER_SETTINGS)]:
        fast = Qwen2VLImageProcessorFast(**settings)
        limits = dict(min_pixels=settings["size"]["shortest_edge"], max_pixels=settings["size"]["longest_edge"])
        slow = Qwen2VLImageProcessor(**{key: value for key, value in settings.items() if key != "size"}, **limits)
        unit = 255 * numpy.repeat(numpy.array(settings["image_std"]), 2 * 16 * 16)
        mean = 255 * numpy.repeat(numpy.array(settings["image_mean"]), 2 * 16 * 16)
        for width, height in SIZES:
            pixels = picture(width, height)
            values, grid = prepared(fast, pixels)
            older = slow(images=[pixels], return_tensors="np", input_data_format="channels_last")["pixel_values"]
            steps = numpy.abs(values - older) * unit
            print(f"{name} {width}x{height}: grid {grid}, at most {steps.max():.2f} of 255 from the older processor")
            flat = values.reshape(-1)
            bytes_back = numpy.rint(values * unit + mean)
            goldens.append(
                {
                    "settings": name,
                    "width": width,
                    "height": height,
                    "picture_crc32": zlib.crc32(pixels.tobytes()),
                    "grid": grid,
                    "columns": values.shape[1],
                    "bytes_crc32": zlib.crc32(bytes_back.astype(numpy.uint8).tobytes()),
                    "values_crc32": zlib.crc32(flat.astype("<f4").tobytes()),
                    "samples": [float(flat[(i * 7919) % flat.size]) for i in range(SAMPLES)],
                }
            )
    for name, settings in [("usual", SETTINGS), ("other", OTHER_SETTINGS)]:
        (folder / f"{name}.json").write_text(json.dumps(settings, indent=1) + "\n")
    lines = ",\n".join(json.dumps(golden) for golden in goldens)
    (folder / "goldens.json").write_text(f"[\n{lines}\n]\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
