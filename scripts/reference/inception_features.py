"""Inception features of real and of generated pictures, for the standard Fréchet and kernel distances:

    elbo sample RUN --count 10000 --output samples.npy
    python scripts/reference/inception_features.py REAL samples.npy features.npz
    elbo evaluate RUN --features features.npz

REAL is a folder of pictures or a .npy of images [n, h, w] or [n, h, w, c], bytes or numbers in 0…1. Both kinds take the
same way: rounded to bytes, grey repeated to three channels, resized to 299 × 299 by PIL's bilinear filter with
antialiasing, and the 2,048 numbers before the last layer of Inception v3. Real pictures are cropped and resized to the
samples' size first, as `elbo train` takes folders: in the middle, by the mean of boxes.

Needs torch, torchvision and Pillow, and torchvision's weights (IMAGENET1K_V1), which are downloaded, or are given as
--weights FILE (a state_dict). Published FIDs take the TensorFlow weights of 2015; with these ones numbers differ, so
compare them with numbers of this program alone. --untrained takes no weights: it shows that the way works, and the
numbers mean nothing. The program has been run with --untrained only.
"""

import argparse
import pathlib

import numpy as np
import torch
from PIL import Image

MEAN, DEVIATION = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
KINDS = {".png", ".jpg", ".jpeg"}


def stored(array):
    """Images as bytes [n, h, w, 3]."""
    if array.dtype != np.uint8:
        array = np.round(np.clip(array, 0, 1) * 255).astype(np.uint8)
    if array.ndim == 3:
        array = array[..., None]
    if array.ndim != 4 or array.shape[3] not in (1, 3):
        raise SystemExit(f"images of shape {array.shape[1:]}: give [n, h, w] or [n, h, w, 1 or 3]")
    return np.repeat(array, 3, axis=3) if array.shape[3] == 1 else array


def pictures(path, height, width):
    for file in sorted(p for p in pathlib.Path(path).rglob("*") if p.suffix.lower() in KINDS):
        image = Image.open(file).convert("RGB")
        scale = min(image.width / width, image.height / height)
        w, h = round(width * scale), round(height * scale)
        left, top = (image.width - w) // 2, (image.height - h) // 2
        yield np.asarray(image.crop((left, top, left + w, top + h)).resize((width, height), Image.BOX))


def network(arguments):
    from torchvision.models import Inception_V3_Weights, inception_v3
    if arguments.untrained or arguments.weights:
        net = inception_v3(weights=None, init_weights=False, aux_logits=True)
        if arguments.weights:
            net.load_state_dict(torch.load(arguments.weights, map_location="cpu", weights_only=True))
    else:
        net = inception_v3(weights=Inception_V3_Weights.IMAGENET1K_V1)
    net.fc = torch.nn.Identity()
    return net.eval()


@torch.no_grad()
def features(net, images, batch=50):
    rows = []
    for start in range(0, len(images), batch):
        part = [np.asarray(Image.fromarray(image).resize((299, 299), Image.BILINEAR)) for image in images[start:start + batch]]
        x = (torch.tensor(np.stack(part)).float() / 255 - MEAN) / DEVIATION
        rows.append(net(x.permute(0, 3, 1, 2)).numpy())
    return np.concatenate(rows).astype(np.float32)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("real")
    parser.add_argument("samples")
    parser.add_argument("output")
    parser.add_argument("--weights", help="a state_dict of torchvision's inception_v3")
    parser.add_argument("--untrained", action="store_true")
    arguments = parser.parse_args()
    generated = stored(np.load(arguments.samples))
    if pathlib.Path(arguments.real).is_dir():
        real = np.stack(list(pictures(arguments.real, *generated.shape[1:3])))
    else:
        real = stored(np.load(arguments.real))
    net = network(arguments)
    np.savez(arguments.output, real=features(net, real), generated=features(net, generated))
    print(f"{arguments.output}: {len(real)} real, {len(generated)} generated")


if __name__ == "__main__":
    main()
