"""TensorBoard's own account of event files.

    pip install -r scripts/reference/tensorboard-requirements.txt
    python scripts/reference/tensorboard.py --golden     writes Tests/ReportsTests/Golden/events.bin by TensorBoard's messages
    python scripts/reference/tensorboard.py FOLDER       what TensorBoard reads in a folder, as JSON

Not a name that another module has: run it from elsewhere than this folder.
"""

import json
import pathlib
import sys

sys.path = [path for path in sys.path if pathlib.Path(path or ".").resolve() != pathlib.Path(__file__).resolve().parent]

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator  # noqa: E402
from tensorboard.compat.proto import event_pb2, summary_pb2, types_pb2  # noqa: E402
from tensorboard.plugins.hparams import plugin_data_pb2  # noqa: E402
from tensorboard.summary.writer.record_writer import RecordWriter  # noqa: E402

GOLDEN = pathlib.Path(__file__).resolve().parents[2] / "Tests/ReportsTests/Golden/events.bin"
TIME = 1_700_000_000.25
PNG = bytes(range(40))


def _value(step: int, **fields) -> event_pb2.Event:
    event = event_pb2.Event(wall_time=TIME, step=step)
    event.summary.value.add(**fields)
    return event


def _metadata(plugin: str, content: bytes = b"") -> summary_pb2.SummaryMetadata:
    metadata = summary_pb2.SummaryMetadata(data_class=summary_pb2.DATA_CLASS_TENSOR)
    metadata.plugin_data.plugin_name = plugin
    metadata.plugin_data.content = content
    return metadata


def _session(tag: str, data: plugin_data_pb2.HParamsPluginData) -> event_pb2.Event:
    event = _value(0, tag=tag, metadata=_metadata("hparams", data.SerializeToString(deterministic=True)))
    event.summary.value[0].tensor.dtype = types_pb2.DT_FLOAT
    event.summary.value[0].tensor.tensor_shape.dim.add(size=0)
    return event


def golden() -> None:
    start = event_pb2.Event(wall_time=TIME, file_version="brain.Event:2")
    start.source_metadata.writer = "elbo"
    text = _value(0, tag="recipe", metadata=_metadata("text"))
    text.summary.value[0].tensor.dtype = types_pb2.DT_STRING
    text.summary.value[0].tensor.tensor_shape.SetInParent()
    text.summary.value[0].tensor.string_val.append("ä\n".encode())
    begun = plugin_data_pb2.HParamsPluginData()
    begun.session_start_info.hparams["network.hidden"].string_value = "[64]"
    begun.session_start_info.hparams["optimizer.learning_rate"].number_value = 0.001
    begun.session_start_info.hparams["train.flag"].bool_value = True
    begun.session_start_info.group_name = "mlp"
    begun.session_start_info.start_time_secs = TIME
    ended = plugin_data_pb2.HParamsPluginData()
    ended.session_end_info.status = 1
    ended.session_end_info.end_time_secs = TIME
    scalar = _value(300, tag="train/loss", simple_value=-0.5)
    image = _value(300, tag="figures/samples")
    image.summary.value[0].image.height, image.summary.value[0].image.width = 3, 200
    image.summary.value[0].image.colorspace, image.summary.value[0].image.encoded_image_string = 3, PNG
    histogram = _value(300, tag="parameters/weight")
    histo = histogram.summary.value[0].histo
    histo.min, histo.max, histo.num, histo.sum, histo.sum_squares = -1, 3, 5, 4, 12.5
    histo.bucket_limit.extend([-1, 0, 1, 2, 3])
    histo.bucket.extend([0, 1, 2, 1, 1])
    events = [start, text, _session("_hparams_/session_start_info", begun), scalar, image, histogram,
              _session("_hparams_/session_end_info", ended)]
    GOLDEN.parent.mkdir(exist_ok=True)
    with GOLDEN.open("wb") as file:
        writer = RecordWriter(file)
        for event in events:
            writer.write(event.SerializeToString(deterministic=True))
    print(f"{GOLDEN}: {GOLDEN.stat().st_size} bytes")


def read(folder: str) -> None:
    accumulator = EventAccumulator(folder, size_guidance={"scalars": 0, "images": 0, "histograms": 0, "tensors": 0})
    accumulator.Reload()
    tags = accumulator.Tags()
    result = {"scalars": {tag: [(e.step, e.value) for e in accumulator.Scalars(tag)] for tag in tags["scalars"]},
              "images": {tag: [(e.step, e.width, e.height) for e in accumulator.Images(tag)] for tag in tags["images"]},
              "histograms": {tag: [(e.step, e.histogram_value.num) for e in accumulator.Histograms(tag)] for tag in tags["histograms"]},
              "tensors": tags["tensors"]}
    hparams = accumulator.summary_metadata.get("_hparams_/session_start_info")
    if hparams:
        data = plugin_data_pb2.HParamsPluginData.FromString(hparams.plugin_data.content)
        result["hparams"] = {key: getattr(value, value.WhichOneof("kind")) for key, value in sorted(data.session_start_info.hparams.items())}
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    if sys.argv[1:] == ["--golden"]:
        golden()
    elif len(sys.argv) == 2:
        read(sys.argv[1])
    else:
        sys.exit(__doc__)
