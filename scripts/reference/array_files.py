"""Writes the array files that DatasetsTests reads, as numpy writes them, and what they hold.

    python scripts/reference/array_files.py

Every array of files.json holds the same numbers as `values`, in row-major order, whatever its file's element type,
byte order, memory order and format version. The files in `refused` are sound to numpy but must be refused.
"""

import json
import pathlib

import numpy as np

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "Tests" / "DatasetsTests" / "Golden"


def write(name, array, version=None):
    with open(FOLDER / name, "wb") as file:
        np.lib.format.write_array(file, array, version=version)


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    # Small whole numbers and halves: exact in every type that holds them.
    whole = np.arange(24).reshape(4, 3, 2)
    halves = whole * 0.5 - 3
    signed = whole - 11
    files = {}

    def add(name, array, version=None):
        write(name, array, version)
        files[name] = {
            "shape": list(array.shape),
            "type": array.dtype.name,
            "values": np.ascontiguousarray(array).astype("f8").ravel().tolist(),
        }

    for code in ["f2", "f4", "f8"]:
        for order in ["<", ">"]:
            name = {"<": "little", ">": "big"}[order]
            add(f"{code}_{name}.npy", halves.astype(order + code))
    for code in ["i2", "i4", "i8"]:
        add(f"{code}_little.npy", signed.astype("<" + code))
        add(f"{code}_big.npy", signed.astype(">" + code))
    for code in ["u2", "u4", "u8"]:
        add(f"{code}_little.npy", whole.astype("<" + code))
        add(f"{code}_big.npy", whole.astype(">" + code))
    add("i1.npy", signed.astype("i1"))
    add("u1.npy", whole.astype("u1"))
    add("b1.npy", whole % 3 == 0)
    add("f4_fortran.npy", np.asfortranarray(halves.astype("<f4")))
    add("f8_fortran_big.npy", np.asfortranarray(halves.astype(">f8")))
    add("u1_fortran_matrix.npy", np.asfortranarray(whole.reshape(6, 4).astype("u1")))
    add("f4_one_axis.npy", np.arange(5, dtype="<f4"))
    add("f4_version2.npy", halves.astype("<f4"), (2, 0))
    add("f4_version3.npy", halves.astype("<f4"), (3, 0))
    # Half precision at its edges: zero, subnormals, the largest.
    add("f2_edges.npy", np.array([0.0, 2.0**-24, -(2.0**-14), 1.5, 65504.0, -0.333251953125], dtype="<f2"))

    write("refused_objects.npy", np.array([{"a": 1}, None], dtype=object))
    write("refused_structured.npy", np.array([(1, 2.0)], dtype=[("a", "<i4"), ("b", "<f8")]))
    write("refused_complex.npy", np.ones(3, dtype="<c16"))
    write("refused_text.npy", np.array(["a", "bc"]))
    write("refused_single.npy", np.array(3.0))
    write("refused_empty.npy", np.zeros((0, 3)))
    write("refused_beyond_2_53.npy", np.array([2**53 + 1]))
    refused = sorted(path.name for path in FOLDER.glob("refused_*.npy"))

    x = halves.astype("<f4")
    y = np.array([0, 2, 1, 2])
    np.savez(FOLDER / "stored.npz", x=x, y=y)
    np.savez_compressed(FOLDER / "deflated.npz", x_train=x, y_train=y, x_test=x[:2] * 2, y_test=y[:2])

    with open(FOLDER / "files.json", "w") as file:
        json.dump({"numpy": np.__version__, "arrays": files, "refused": refused}, file, indent=1)
        file.write("\n")

    # The documented random split, in plain Python.
    splits = [{"seed": s, "count": n, "order": permutation(n, s)} for s, n in [(0, 10), (1, 10), (12345678901234567890, 7)]]
    with open(FOLDER / "splits.json", "w") as file:
        json.dump({"splitmix64_1234567": list(first(5, 1234567)), "splits": splits}, file, indent=1)
        file.write("\n")


MASK = (1 << 64) - 1


def splitmix64(seed):
    state = seed
    while True:
        state = (state + 0x9E3779B97F4A7C15) & MASK
        z = state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        yield z ^ (z >> 31)


def first(count, seed):
    generator = splitmix64(seed)
    return (next(generator) for _ in range(count))


def permutation(count, seed):
    generator = splitmix64(seed)
    order = list(range(count))
    for last in range(count - 1, 0, -1):
        bound = last + 1
        while True:
            product = next(generator) * bound
            if product & MASK >= (1 << 64) % bound:
                break
        index = product >> 64
        order[last], order[index] = order[index], order[last]
    return order


if __name__ == "__main__":
    main()
