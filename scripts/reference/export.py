"""Golden values of exported networks: what PyTorch computes with the modules and weights that `elbo export` writes.

    python scripts/reference/export.py                   with .build/release/elbo; writes Tests/CommandTests/Golden/export*
    python scripts/reference/export.py check FOLDER NPZ  how far an export is from the samples and scores of `elbo sample`

The trainings have a learning rate of 0, so that the weights are those of the initialisation, which every processor
draws alike, and only running statistics move.
"""

import importlib.util
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import torch

ROOT = pathlib.Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "Tests/CommandTests/Golden"
COMMON = ["network.latent=6", "train.batch=10", "train.seed=3", "optimizer.learning_rate=0",
          "discriminator_optimizer.learning_rate=0"]
CASES = {
    "transposed": ("dcgan", ["network.filters=4", "network.hidden=0", "network.discriminator_normalisation=batch"]),
    "bilinear": ("dcgan", ["network.filters=4", "network.hidden=8", "network.upsampling=bilinear",
                           "network.minibatch_deviation=true", "network.discriminator_normalisation=spectral"]),
    "codes": ("infogan", ["network.architecture=dense", "network.generator=[12,16]", "network.discriminator=[16]",
                          "network.categories=3"]),
}


def outputs(folder, latents, samples):
    """Samples in 0…1 and scores."""
    path = pathlib.Path(folder) / "model.py"
    spec = importlib.util.spec_from_file_location("model", path)
    model = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(model)
    with torch.no_grad():
        made = model.Generator()(torch.from_numpy(latents))
        scores = model.Discriminator()(torch.from_numpy(samples))
    return made.reshape(samples.shape).numpy(), scores.numpy()


def check(folder, npz):
    arrays = np.load(npz)
    made, scores = outputs(folder, arrays["latents"], arrays["samples"])
    print(json.dumps({
        "samples": float(np.abs(made - arrays["samples"]).max()),
        "scores": float(np.abs(scores - arrays["scores"]).max()),
    }))


def main():
    GOLDEN.mkdir(parents=True, exist_ok=True)
    images = np.random.default_rng(5).integers(0, 256, (40, 16, 16), np.uint8)
    np.save(GOLDEN / "export-images.npy", images)
    cases = []
    for name, (recipe, settings) in CASES.items():
        with tempfile.TemporaryDirectory() as folder:
            def elbo(*words):
                subprocess.run([ROOT / ".build/release/elbo", *words], check=True, stdout=subprocess.DEVNULL)
            words = [word for setting in COMMON + settings for word in ("--set", setting)]
            elbo("train", recipe, "--data", GOLDEN / "export-images.npy", "--out", f"{folder}/run", "--steps", "40",
                 "--quiet", *words)
            elbo("export", f"{folder}/run", "--output", f"{folder}/torch")
            elbo("sample", f"{folder}/run", "--count", "3", "--output", f"{folder}/samples.npz")
            arrays = np.load(f"{folder}/samples.npz")
            made, scores = outputs(f"{folder}/torch", arrays["latents"], arrays["samples"])
        cases.append({"name": name, "recipe": recipe, "settings": COMMON + settings,
                      "samples": np.round(made.ravel().astype(float), 8).tolist(),
                      "scores": np.round(scores.ravel().astype(float), 8).tolist()})
    lines = ",\n".join(json.dumps(case) for case in cases)
    head = json.dumps({"torch": torch.__version__.split("+")[0], "numpy": np.__version__})
    (GOLDEN / "export.json").write_text(f'{{"versions": {head}, "cases": [\n{lines}\n]}}\n')


if __name__ == "__main__":
    check(*sys.argv[2:]) if sys.argv[1:2] == ["check"] else main()
