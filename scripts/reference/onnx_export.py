"""Whether exported networks compute what Elbo does: every kind is trained for a few steps, exported to ONNX and to PyTorch,
checked by onnx.checker, and compared with `elbo predict` and `elbo sample`.

    pip install -r scripts/reference/onnx-requirements.txt
    python scripts/reference/onnx_export.py              with .build/release/elbo; fails above 1e-5
    python scripts/reference/onnx_export.py --golden     writes Tests/ComputationsTests/Golden, what `onnx` makes of a graph
"""

import importlib.util
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime
import torch
from PIL import Image

ROOT = pathlib.Path(__file__).resolve().parents[2]
ELBO = pathlib.Path(os.environ.get("ELBO", ROOT / ".build/release/elbo"))
TOLERANCE = 1e-5
DRAWS = ["--draws", "7", "--seed", "3"]

PLAIN = ["network.hidden=[16,16]"]
CONVOLUTIONS = ["network.hidden=[pool max 3 round=up, conv 1 1, tanh, unpool, conv 4 3 padding=2 dilation=2, norm batch, relu, pool max 3 2 round=up, "
                "conv 6 3 2 padding=1, leaky-relu, norm layer, upsample 2, norm instance, pool average 2, norm pixel, "
                "gelu, deconv 4 4 2 padding=1, upsample 2 bilinear, pool average 3 2 padding=1, 12]"]
FUNCTIONS = ["network.hidden=[dense 8, softplus, dense 8, elu, dense 8, silu, dense 8, tanh, dense 8, sigmoid]"]
# Recipe, data, settings, options of the export.
PREDICTORS = {
    "mlp": ("mlp", "images", PLAIN, []),
    "mlp lenet": ("mlp", "images", ["network.architecture=lenet"], []),
    "mlp convolutional": ("mlp", "images", ["network.architecture=convolutional", "network.batch_norm=true",
                                            "network.filters=4"], []),
    "mlp layers": ("mlp", "images", CONVOLUTIONS, []),
    "mlp ensemble": ("mlp", "images", PLAIN + ["train.members=3"], []),
    "mlp functions": ("mlp", "table", FUNCTIONS, []),
    "mlp heteroscedastic": ("mlp", "table", PLAIN + ["objective.noise=heteroscedastic"], []),
    "mlp fixed noise": ("mlp", "table", PLAIN + ["objective.noise=fixed", "objective.precision=3"], []),
    "mc-dropout": ("mc-dropout", "table", PLAIN + ["network.dropout=0", "network.input_dropout=0"], []),
    "bbb": ("bbb", "images", PLAIN, DRAWS),
    "bbb lenet": ("bbb", "images", ["network.architecture=lenet"], DRAWS),
    "bbb layers": ("bbb", "images", CONVOLUTIONS, DRAWS),
    "bbb-regression": ("bbb-regression", "table", PLAIN, DRAWS),
    "bbb-regression heteroscedastic": ("bbb-regression", "table", ["objective.noise=heteroscedastic"], DRAWS),
    "bbb-regression fixed noise": ("bbb-regression", "table", ["objective.noise=fixed"], DRAWS),
}
# The mean pass of these is what no prediction of Elbo's is, so ONNX and PyTorch are compared alone.
MEANS = {"bbb mean": ("bbb", "images", PLAIN), "bbb-regression mean": ("bbb-regression", "table", PLAIN),
         "mc-dropout mean": ("mc-dropout", "images", PLAIN),
         "mlp evidential": ("mlp", "images", PLAIN + ["objective.likelihood=evidential"])}
VAES = {
    "vae": ("vae", "images", PLAIN), "vae gaussian": ("vae", "images", PLAIN + ["objective.likelihood=gaussian"]),
    "vae threshold": ("vae", "images", ["data.binarisation=threshold"]),
    "vae table": ("vae", "columns", ["objective.likelihood=gaussian", "data.normalisation=standard"]),
    "vae convolutional": ("vae", "images", ["network.architecture=convolutional", "network.filters=4",
                                            "objective.likelihood=gaussian"]),
    "autoencoder": ("autoencoder", "images", PLAIN), "autoencoder range": ("autoencoder", "columns",
                                                                           ["data.normalisation=range"]),
    "vq-vae": ("vq-vae", "images", ["network.hidden=[conv 4 4 2 padding=1, relu]", "network.codes=9", "network.code_width=3"]),
}
GAN = ["network.latent=6", "network.generator=[16]", "network.discriminator=[16]"]
DCGAN = ["network.latent=6", "network.filters=4"]
GROWING = ["network.latent=6", "network.channel_base=64", "network.minibatch_group=5"]
GANS = {
    "gan": ("gan", "images", GAN), "gan table": ("gan", "columns", GAN + ["data.normalisation=standard"]),
    "wgan": ("wgan", "images", GAN), "wgan-gp": ("wgan-gp", "images", GAN + ["network.discriminator_normalisation=layer"]),
    "dcgan": ("dcgan", "images", DCGAN),
    "dcgan nearest spectral": ("dcgan", "images", DCGAN + ["network.upsampling=nearest", "network.hidden=8",
                                                           "network.discriminator_normalisation=spectral"]),
    "dcgan bilinear deviation": ("dcgan", "images", DCGAN + ["network.upsampling=bilinear",
                                                             "network.minibatch_deviation=true"]),
    "dcgan groups": ("dcgan", "images", DCGAN + ["network.minibatch_deviation=true", "network.minibatch_group=5"]),
    "progressive-gan": ("progressive-gan", "images", GROWING),
    "progressive-gan fading": ("progressive-gan", "images", GROWING + ["network.stable_examples=100",
                                                                       "network.fading_examples=300"]),
    "stylegan": ("stylegan", "images", GROWING),
    "stylegan adain": ("stylegan", "images", GROWING + ["network.style=adain"]),
    "infogan": ("infogan", "images", GAN + ["network.architecture=dense", "network.categories=3"]),
}

LANGUAGES = {
    "lstm": ("lstm", ["network.units=12", "network.layers=2"]), "lstm gru": ("lstm", ["network.units=12", "network.cell=gru"]),
    "bayesian-rnn mean": ("bayesian-rnn", ["network.units=12"]),
}


def data(folder):
    random = np.random.default_rng(5)
    images, columns = random.integers(0, 256, (60, 16, 16), np.uint8), random.normal(3, 50, (60, 4))
    labels = random.integers(0, 3, 60)
    np.savez(folder / "images.npz", x=images, y=labels)
    target = columns @ [1, -2, 0.5, 3] + random.normal(0, 5, 60)
    rows = ["a,b,c,d,y"] + [",".join(repr(float(v)) for v in [*x, y]) for x, y in zip(columns, target)]
    (folder / "table.csv").write_text("\n".join(rows) + "\n")
    np.save(folder / "x-images.npy", images[:9])
    np.save(folder / "x-table.npy", columns[:9])
    np.save(folder / "columns.npy", columns)
    picture = random.integers(0, 256, (1, 24, 32), np.uint8)
    np.save(folder / "picture.npy", picture)
    Image.fromarray(picture[0]).save(folder / "picture.png")
    (folder / "text.txt").write_text("the cat sat on the mat\na cat sat\n" * 30)
    (folder / "new.txt").write_text("the mat sat on a cat\n")
    (folder / "captioned/images").mkdir(parents=True)
    rows = ["image,en"]
    for index in range(40):
        Image.fromarray(random.integers(0, 256, (8, 8, 3), np.uint8)).save(folder / f"captioned/images/{index}.png")
        rows.append(f"{index}.png,number {index % 15}")
    (folder / "captioned/captions.csv").write_text("\n".join(rows) + "\n")


PARTS = ["--set", "data.test_fraction=0.2"]
SOURCES = {"images": ["--data", "images.npz", *PARTS], "columns": ["--data", "columns.npy", *PARTS],
           "table": ["--data", "table.csv", "--set", "data.target=y", *PARTS], "shapes": ["--data", "shapes"],
           "text": ["--data", "text.txt", *PARTS], "captioned": ["--data", "captioned", *PARTS]}


def elbo(folder, *words):
    subprocess.run([ELBO, *map(str, words)], check=True, stdout=subprocess.DEVNULL, cwd=folder)


def train(folder, recipe, source, settings):
    shutil.rmtree(folder / "run", ignore_errors=True)
    elbo(folder, "train", recipe, *SOURCES[source], "--out", "run", "--steps", "30", "--quiet", *(
        word for setting in ["train.batch=10", "train.seed=3", *settings] for word in ("--set", setting)))


def export(folder, *options):
    """Sessions of the ONNX files and classes of the PyTorch module, by the network's name."""
    for old in folder.glob("model*.onnx"):
        old.unlink()
    elbo(folder, "export", "run", "--output", "model.onnx", *options)
    elbo(folder, "export", "run", "--output", "torch", *options)
    sessions = {}
    for path in sorted(folder.glob("model*.onnx")):
        model = onnx.load(path)
        onnx.checker.check_model(model, full_check=True)
        name = {entry.key: entry.value for entry in model.metadata_props}["elbo.network"]
        sessions[name] = onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    spec = importlib.util.spec_from_file_location("model", folder / "torch/model.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return sessions, {name: getattr(module, name.capitalize())() for name in sessions}


def outputs(sessions, classes, name, x):
    """What ONNX Runtime says, and how far PyTorch is from it."""
    session = sessions[name]
    x = x.astype({"tensor(uint8)": np.uint8, "tensor(int64)": np.int64}.get(session.get_inputs()[0].type, np.float32))
    names = [output.name for output in session.get_outputs()]
    found = dict(zip(names, session.run(None, {session.get_inputs()[0].name: x})))
    assert session.run(None, {session.get_inputs()[0].name: x[:0]})[0].size == 0 or "deviation" in name
    with torch.no_grad():
        made = classes[name](torch.from_numpy(x))
    made = made if isinstance(made, dict) else {names[0]: made}
    return found, max(distance(found[key], made[key].numpy()) for key in names)


def spelled(sessions, classes, tokens, first, state):
    """log p of each token given those before it, and how far PyTorch is from ONNX Runtime on the way."""
    found, apart = [], 0
    for before, token in zip([first, *tokens], tokens):
        given = {"token": np.array([before]), "state": state}
        logits, state = sessions["language"].run(["logits", "next_state"], given)
        with torch.no_grad():
            made = classes["language"](*(torch.from_numpy(array) for array in given.values()))
        apart = max(apart, distance(logits, made["logits"].numpy()), distance(state, made["next_state"].numpy()))
        found.append(float(logits[0, token] - np.log(np.exp(logits[0]).sum())))
    return np.array(found), apart


def vocabulary(folder):
    return json.loads((folder / "torch/vocabulary.json").read_text())


def distance(one, other):
    """The greatest difference, relative to the greatest number where that is above 1."""
    return float(np.abs(one - other).max() / max(1, np.abs(other).max()))


def predicted(folder, source, sessions, classes, draws):
    elbo(folder, "predict", "run", "--input", f"x-{source}.npy", "--output", "p.npz", *(
        ["--samples", draws[1], "--seed", draws[3]] if draws else ["--samples", "16"]))
    wanted = np.load(folder / "p.npz")
    found, torch_distance = outputs(sessions, classes, "model", np.load(folder / f"x-{source}.npy"))
    # In the archive, `samples` is their number.
    shared = [key for key in found if key in wanted and key != "samples"]
    assert {"mean", "entropy"} <= set(shared) or {"mean", "std"} <= set(shared), shared
    return max(distance(found[key], wanted[key]) for key in shared), torch_distance


def main():
    worst = 0
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        data(folder)

        def report(kind, distances, size):
            nonlocal worst
            worst = max(worst, *distances.values())
            print(f"{kind:32}" + "  ".join(f"{key} {value:.1e}" for key, value in distances.items()) + f"  {size} bytes",
                  flush=True)

        def size():
            return sum(path.stat().st_size for path in folder.glob("model*.onnx"))

        for kind, (recipe, source, settings, options) in PREDICTORS.items():
            train(folder, recipe, source, settings)
            first, second = predicted(folder, source, *export(folder, *options), options)
            report(kind, {"elbo": first, "torch": second}, size())
        for kind, (recipe, source, settings) in MEANS.items():
            train(folder, recipe, source, settings)
            _, apart = outputs(*export(folder), "model", np.load(folder / f"x-{source}.npy"))
            report(kind, {"torch": apart}, size())
        train(folder, "segmentation", "shapes", ["network.filters=4", "network.levels=2", "network.dropout=0"])
        exported = export(folder)
        elbo(folder, "predict", "run", "--input", "picture.png", "--output", "maps")
        found, apart = outputs(*exported, "model", np.load(folder / "picture.npy"))
        wanted = np.load(folder / "maps/maps.npz")["mean"]
        report("segmentation", {"elbo": distance(found["mean"][0], wanted), "torch": apart}, size())
        for kind, (recipe, source, settings) in VAES.items():
            train(folder, recipe, source, settings)
            exported = export(folder)
            x = np.load(folder / "x-images.npy") if source == "images" else np.load(folder / "columns.npy")[:9]
            codes, first = outputs(*exported, "encoder", x)
            _, second = outputs(*exported, "decoder", next(iter(codes.values())))
            report(kind, {"encoder": first, "decoder": second}, size())
        for kind, (recipe, settings) in LANGUAGES.items():
            train(folder, recipe, "text", [*settings, "train.batch=4", "train.unroll=5"])
            sessions, classes = export(folder)
            elbo(folder, "predict", "run", "--input", "new.txt", "--output", "p.npz")
            names = vocabulary(folder)
            tokens = [names.index(letter) for letter in (folder / "new.txt").read_text()]
            state = np.zeros((1, sessions["language"].get_inputs()[1].shape[1]), np.float32)
            chances, apart = spelled(sessions, classes, tokens, names.index("\n"), state)
            wanted = {} if "mean" in kind else {"elbo": distance(chances, np.load(folder / "p.npz")["log_density"])}
            report(kind, wanted | {"torch": apart}, size())
        train(folder, "captions", "captioned", ["network.filters=2", "decoder.units=12", "decoder.dropout=0"])
        sessions, classes = export(folder)
        elbo(folder, "predict", "run", "--input", "captioned/images/7.png", "--output", "captions.jsonl")
        caption = json.loads((folder / "captions.jsonl").read_text())
        picture = np.asarray(Image.open(folder / "captioned/images/7.png"))[None]
        state, first = outputs(sessions, classes, "encoder", picture)
        names = vocabulary(folder)
        end = names.index("<eos>")
        tokens = [*map(names.index, caption["caption"].split()), end]
        chances, second = spelled(sessions, classes, tokens, end, state["state"])
        report("captions", {"elbo": distance(chances.sum(), np.array(caption["log_probability"])), "torch": max(first, second)}, size())
        for kind, (recipe, source, settings) in GANS.items():
            train(folder, recipe, source, settings)
            exported = export(folder)
            elbo(folder, "sample", "run", "--count", "5", "--output", "samples.npz")
            samples = np.load(folder / "samples.npz")
            made, first = outputs(*exported, "generator", samples["latents"])
            scores, second = outputs(*exported, "discriminator", samples["samples"])
            report(kind, {
                "samples": distance(made["examples"], samples["samples"]),
                "scores": distance(scores["scores"], samples["scores"]), "torch": max(first, second)}, size())
    print(json.dumps({"greatest": worst, "onnx": onnx.__version__, "onnxruntime": onnxruntime.__version__,
                      "torch": torch.__version__.split("+")[0]}))
    sys.exit(worst > TOLERANCE)


def golden():
    """The graph of Tests/ComputationsTests/ONNXGoldenTests.swift."""
    helper, types = onnx.helper, onnx.TensorProto
    weight = onnx.numpy_helper.from_array((np.arange(18, dtype=np.float32) / 8 - 1).reshape(2, 1, 3, 3), "conv.weight")
    scales = onnx.numpy_helper.from_array(np.array([1, 1, 2, 2], np.float32), "#5.scales")
    shape = onnx.numpy_helper.from_array(np.array([0, 128], np.int64), "#[0, 128]")

    def node(kind, inputs, output, **attributes):
        made = helper.make_node(kind, inputs, [output], output)
        made.attribute.extend(helper.make_attribute(name, value) for name, value in attributes.items())
        return made

    nodes = [
        node("Cast", ["x"], "#1", to=types.FLOAT), node("Transpose", ["#1"], "#2", perm=[0, 3, 1, 2]),
        node("Conv", ["#2", "conv.weight"], "#3", kernel_shape=[3, 3], strides=[1, 1], pads=[1, 1, 1, 1],
             dilations=[1, 1]),
        node("LeakyRelu", ["#3"], "#4", alpha=0.25),
        node("Resize", ["#4", "", "#5.scales"], "#5", mode="nearest", coordinate_transformation_mode="asymmetric",
             nearest_mode="floor"),
        node("Transpose", ["#5"], "#6", perm=[0, 2, 3, 1]), node("Reshape", ["#6", "#[0, 128]"], "#7"),
        node("Identity", ["#7"], "rows"),
    ]
    graph = helper.make_graph(
        nodes, "model", [helper.make_tensor_value_info("x", types.UINT8, ["examples", 4, 4, 1])],
        [helper.make_tensor_value_info("rows", types.FLOAT, ["examples", 128])], [weight, scales, shape])
    operators = onnx.OperatorSetIdProto(version=17)
    model = helper.make_model(graph, opset_imports=[operators], ir_version=8, producer_name="elbo",
                              producer_version="0", doc_string="bytes -> rows.")
    helper.set_model_props(model, {"elbo.model": "golden"})
    onnx.checker.check_model(model, full_check=True)
    folder = ROOT / "Tests/ComputationsTests/Golden"
    folder.mkdir(exist_ok=True)
    (folder / "graph.onnx").write_bytes(model.SerializeToString(deterministic=True))


if __name__ == "__main__":
    golden() if sys.argv[1:] == ["--golden"] else main()
