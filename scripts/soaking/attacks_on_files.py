"""Hostile files: bombs, cut off, endless, recursive; each is refused in one line, or read, in bounded time and memory."""

import random
import resource
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

from .attacks import Place, attack
from .command import Outcome, elbo

MEMORY = 4 << 30


def bounded() -> None:
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))


def try_recipe(place: Place, text: bytes | str) -> Outcome:
    path = place / "recipe.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return elbo("train", path, "--out", place / "out", "--steps", 2, "--quiet", before=bounded, seconds=30)


def try_data(place: Place, path: Path, model: str = "mlp") -> Outcome:
    return elbo("train", model, "--data", path, "--out", place / "out", "--steps", 2, "--quiet", before=bounded, seconds=60)


def refused(place: Place, name: str, outcome: Outcome) -> None:
    try:
        outcome.expect_line(beside=0)
    except AssertionError as error:
        raise AssertionError(f"{name}: {error}") from None
    assert len(outcome.error) < 2000, f"{name}: a line of {len(outcome.error)} characters"
    assert not (place / "out").exists(), f"{name}: a run is left behind"


@attack("files", "recipes: aliases that multiply, depth, keys without end, bytes that are no text, 64 MB of anything", 180)
def recipes(place: Place) -> None:
    laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{i}: &a{i} [" + ", ".join([f"*a{i - 1}"] * 9) + "]\n" for i in range(1, 20))
    for name, text in {
        "billion laughs": laughs + "model: vae\n",
        "an alias of itself": "model: vae\ndata: &d {source: *d}\n",
        "a merge of many": "base: &b {x: 1}\nmodel: {<<: [" + ", ".join(["*b"] * 10000) + "]}\n",
        "depth": "model: " + "[" * 100_000 + "]" * 100_000,
        "depth by blocks": "\n".join(" " * i + f"k{i}:" for i in range(3000)),
        "NUL": b"model: vae\0\nseed: 1\n",
        "no UTF-8": b"model: \xff\xfe\n",
        "UTF-16": "model: vae\n".encode("utf-16"),
        "nothing": "",
        "a list": "- model: vae\n",
        "a scalar": "vae",
        "two documents": "model: vae\n---\nmodel: vae\n",
        "a key twice": "model: vae\nmodel: gmm\n",
        "numbers beyond all": "model: vae\ntrain: {steps: 99999999999999999999999999, batch: -1}\n",
        "a number that is none": "model: vae\noptimizer: {learning_rate: .nan}\n",
        "a tag": "model: !!python/object/apply:os.system ['true']\n",
        "64 MB": "model: vae\n#" + "x" * (64 << 20),
        "a long key": "k" * 5_000_000 + ": 1\nmodel: vae\n",
    }.items():
        refused(place, name, try_recipe(place, text))


def npy(shape: tuple[int, ...], kind: str = "<f4", data: bytes = b"") -> bytes:
    head = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape!r}, }}".encode()
    head += b" " * (-(len(head) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head + data


@attack("files", "arrays: archives that are cut off at every 97th byte, zip bombs, lying shapes, members without end", 300)
def arrays(place: Place) -> None:
    good = place / "good.npz"
    rows = struct.pack("<600f", *[i % 7 for i in range(600)])
    with zipfile.ZipFile(good, "w") as archive:
        archive.writestr("x.npy", npy((100, 6), data=rows))
        archive.writestr("y.npy", npy((100,), "<i8", struct.pack("<100q", *[i % 3 for i in range(100)])))
    try_data(place, good).expect(0)
    import shutil

    shutil.rmtree(place / "out")
    whole = good.read_bytes()
    bad = place / "bad.npz"
    for count in range(0, len(whole) - 1, 97):
        bad.write_bytes(whole[:count])
        refused(place, f"cut off at {count}", try_data(place, bad))

    def archived(name: str, write: Callable[[zipfile.ZipFile], None]) -> None:
        with zipfile.ZipFile(bad, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            write(archive)
        refused(place, name, try_data(place, bad))

    def bomb(archive: zipfile.ZipFile) -> None:
        with archive.open("x.npy", "w", force_zip64=True) as member:
            member.write(npy((1 << 33, 1), "|u1"))
            block = bytes(1 << 24)
            for _ in range(64):
                member.write(block)

    archived("a bomb of zeros", bomb)
    for name, array in {
        "more than memory": npy((1 << 40, 1 << 20)), "a shape that overflows": npy((1 << 62, 1 << 62)), "less than nothing": npy((-1, 4)),
        "objects": npy((3,), "|O", bytes(24)), "no shape": b"\x93NUMPY\x01\x00\x00\x00", "a head without end": b"\x93NUMPY\x02\x00\xff\xff\xff\x7f",
        "code for a shape": b"\x93NUMPY\x01\x00\x20\x00" + b"__import__('os').system('true') \n",
    }.items():
        archived(name, lambda archive, array=array: archive.writestr("x.npy", array))
        (place / "bad.npy").write_bytes(array)
        refused(place, f"{name}, bare", try_data(place, place / "bad.npy"))
    archived("a million members", lambda archive: [archive.writestr(f"m{i}.npy", b"") for i in range(60_000)])


def chunk(kind: bytes, data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")


def png(width: int, height: int, data: bytes, kind: int = 0, depth: int = 8) -> bytes:
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)) + chunk(b"IDAT", data)
            + chunk(b"IEND", b""))


@attack("files", "pictures: PNG and JPEG that claim a billion pixels, lie, are cut off, or are something else", 180)
def pictures(place: Place) -> None:
    good = png(4, 4, zlib.compress(bytes(20)))
    choice = random.Random(5)
    jpeg = (b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00\xff\xc0\x00\x0b\x08\xff\xff\xff\xff\x01\x01\x11\x00"
            b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00")
    for number, (name, data) in enumerate({
        "PNG of 2^31 by 2^31": png(2**31 - 1, 2**31 - 1, zlib.compress(bytes(1000))),
        "PNG of a billion pixels, all there": png(32000, 32000, zlib.compress(bytes(32001 * 32000), 1)),
        "PNG of nothing": png(0, 0, b""),
        "PNG whose data end": png(100, 100, zlib.compress(bytes(50))),
        "PNG that is cut off": good[:40],
        "PNG of random bytes": good[:16] + choice.randbytes(3000),
        "PNG with a palette that is missing": png(4, 4, zlib.compress(bytes(20)), kind=3),
        "JPEG of 65535 by 65535": jpeg,
        "JPEG that is cut off": jpeg[:30],
        "JPEG of random bytes": jpeg[:20] + choice.randbytes(5000),
        "no picture": b"GIF89a" + bytes(100),
        "an empty file": b"",
    }.items()):
        folder = place / f"folder-{number}"
        for part in ("cats", "dogs"):
            (folder / part).mkdir(parents=True)
            (folder / part / "1.png").write_bytes(good)
            (folder / part / "2.png").write_bytes(good)
        extension = "jpg" if name.startswith("JPEG") else "png"
        (folder / "dogs" / f"3.{extension}").write_bytes(data)
        refused(place, name, try_data(place, folder))
    endless = place / "endless"
    endless.mkdir()
    (endless / "cats").symlink_to(endless)
    refused(place, "a folder in itself", try_data(place, endless))


@attack("files", "tables: one line of 200 MB, a million columns, ragged, quotes without end, binary, numbers of a million digits", 240)
def tables(place: Place) -> None:
    path = place / "table.csv"
    for name, data in {
        "one line of 200 MB": b"x" * (200 << 20),
        "a million columns": b",".join(b"c%d" % i for i in range(1_000_000)) + b"\n",
        "a quote without end": b'a,b\n1,"2\n' + b"3,4\n" * 1_000_000,
        "ragged": b"a,b\n1,2\n3\n4,5,6\n",
        "NUL": b"a,b\n1,2\n\0,3\n",
        "binary": bytes(range(256)) * 1000,
        "a million digits": b"a,b\n1," + b"9" * 1_000_000 + b"\n2,3\n",
        "exponents beyond all": b"a,b\n1,1e999999999999\n2,3\n",
        "a head and nothing": b"a,b\n",
        "nothing": b"",
        "line ends only": b"\n" * 1_000_000,
        "infinities": b"a,b\ninf,1\n-inf,2\n",
    }.items():
        path.write_bytes(data)
        refused(place, name, try_data(place, path, "bayesian-linear-regression"))


@attack("files", "gzip of zeros without end, cut off, twice, where MNIST's files are looked for", 120)
def compressed(place: Place) -> None:
    folder = place / "mnist"
    folder.mkdir()
    whole = Path(place.data, "train-images-idx3-ubyte").read_bytes()
    for name in ("train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"):
        (folder / name).write_bytes(Path(place.data, name).read_bytes())

    def gz(data: bytes) -> bytes:
        packer = zlib.compressobj(9, zlib.DEFLATED, 31)
        return packer.compress(data) + packer.flush()

    bomb = zlib.compressobj(9, zlib.DEFLATED, 31)
    endless = b"".join(bomb.compress(bytes(1 << 24)) for _ in range(128)) + bomb.flush()
    lying = bytes([0, 0, 8, 3]) + b"\x7f\xff\xff\xff" * 3
    for name, data in {"cut off": gz(whole)[:-20], "zeros without end": endless, "a lying head": gz(lying + whole[16:]),
                       "garbage behind": gz(whole)[:20] + bytes(500), "a bomb with a lying head": gz(lying) + endless}.items():
        (folder / "train-images-idx3-ubyte.gz").write_bytes(data)
        refused(place, name, try_data(place, folder, "vae"))
