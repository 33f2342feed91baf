"""Writes the files of other programs that DatasetsTests reads: databases, arrays of HDF5 and MATLAB, archives.

    python scripts/reference/foreign_files.py

`foreign.csv` holds the same numbers as the files of arrays and the databases. What begins with `refused` is sound to
the program that wrote it, but must be refused.
"""

import gzip
import io
import pathlib
import sqlite3
import struct
import tarfile

import h5py
import hdf5storage
import numpy as np
import scipy.io
from PIL import Image

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "Tests" / "DatasetsTests" / "Golden"

X = np.round(np.random.default_rng(7).normal(size=(12, 3)) * 100) / 8
Y = np.arange(12) % 3
SHADES = ["dark", "light, \"very\"", "größe\n2"]


def tables():
    with open(FOLDER / "foreign.csv", "w", encoding="utf-8") as file:
        file.write("a,b,c,y\n")
        for row, label in zip(X.tolist(), Y.tolist()):
            file.write(",".join(repr(value) for value in row) + f",{label}\n")

    path = FOLDER / "foreign.sqlite"
    path.unlink(missing_ok=True)
    database = sqlite3.connect(path)
    database.execute("CREATE TABLE numbers (a REAL, b REAL, c REAL, y INTEGER)")
    database.executemany(
        "INSERT INTO numbers VALUES (?, ?, ?, ?)", [(*row, label) for row, label in zip(X.tolist(), Y.tolist())]
    )
    database.commit()
    database.execute("VACUUM")
    database.close()

    path = FOLDER / "several.sqlite"
    path.unlink(missing_ok=True)
    database = sqlite3.connect(path)
    database.execute('CREATE TABLE people (id INTEGER PRIMARY KEY, "the, ""age""" REAL, shade TEXT, note BLOB)')
    rows = [(index, None if index == 3 else index / 4, SHADES[index % 3], b"\1") for index in range(6)]
    database.executemany("INSERT INTO people VALUES (?, ?, ?, ?)", rows)
    database.execute("CREATE TABLE other (a)")
    database.execute("CREATE VIEW endless AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i FROM n) SELECT i FROM n")
    database.commit()
    database.close()


def arrays():
    # Old and plain, so that the files are small: no time stamps, no room for more.
    with h5py.File(FOLDER / "foreign.h5", "w", libver="earliest", track_order=False) as file:
        file.create_dataset("x", data=X, track_times=False)
        file.create_dataset("y", data=Y, track_times=False)
    with h5py.File(FOLDER / "kinds.h5", "w", libver=("earliest", "v110")) as file:
        file.create_dataset("train/x", data=X, compression="gzip", shuffle=True, fletcher32=True, chunks=(5, 2))
        file.create_dataset("train/y", data=Y.astype("i1"))
        file.create_dataset("test/x", data=X[:4].astype(">f8"))
        file.create_dataset("test/y", data=Y[:4].astype("i1"))
        file["half"] = X.astype("f2")
        file["flags"] = Y == 1
        file["text"] = "a text"
        file["soft"] = h5py.SoftLink("/half")
        file["external"] = h5py.ExternalLink("foreign.h5", "/x")
        file.create_dataset("lzf", data=X, compression="lzf")
        file.create_dataset("unwritten", shape=(1 << 20, 1 << 20), dtype="f8")
        file.create_dataset("outside", shape=(4,), dtype="f8", external=[("/etc/passwd", 0, 32)])
        layout = h5py.VirtualLayout(shape=(12, 3), dtype="f8")
        layout[:] = h5py.VirtualSource("foreign.h5", "x", shape=(12, 3))
        file.create_virtual_dataset("virtual", layout)
    # A shape of 80 GB in a file of 3 kB: the first extent of x, 12, is said to be 3 · 2³⁰.
    content = (FOLDER / "foreign.h5").read_bytes()
    shape = struct.pack("<QQ", 12, 3)
    assert content.count(shape) == 2
    (FOLDER / "refused_shape.h5").write_bytes(content.replace(shape, struct.pack("<QQ", 3 << 30, 3)))

    scipy.io.savemat(FOLDER / "matlab5.mat", {"x": X, "y": Y.astype("f8")})
    scipy.io.savemat(
        FOLDER / "matlab7.mat",
        {"X": X.astype("f4"), "y": Y.astype("u1"), "note": "a text", "cell": np.array([1, "a"], dtype=object)},
        do_compression=True,
    )
    hdf5storage.savemat(str(FOLDER / "matlab73.mat"), {"x": X, "y": Y.astype("f8"), "note": "a text"}, format="7.3")


def picture(shade, side=6):
    content = io.BytesIO()
    ramp = (np.arange(side * side).reshape(side, side) * shade % 256).astype("u1")
    Image.fromarray(ramp).save(content, "PNG")
    return content.getvalue()


def archives():
    members = {
        "faces/train/cat/2.png": picture(3), "faces/train/cat/1.png": picture(5), "faces/train/dog/1.png": picture(7),
        "faces/test/cat/1.png": picture(11), "faces/test/dog/1.png": picture(13),
        "faces/train/dog/" + "long" * 40 + ".png": picture(17), "faces/train/größe/1.png": picture(19),
    }

    def write(name, form, add, order=sorted(members)):
        content = io.BytesIO()
        with tarfile.open(fileobj=content, mode="w", format=form) as archive:
            for path in order:
                member = tarfile.TarInfo(path)
                member.size = len(members[path])
                archive.addfile(member, io.BytesIO(members[path]))
            for member in add:
                archive.addfile(member)
        content = content.getvalue()
        (FOLDER / name).write_bytes(gzip.compress(content, mtime=0) if name.endswith(".gz") else content)

    def other(name, kind, target=""):
        member = tarfile.TarInfo(name)
        member.type, member.linkname = kind, target
        return [member]

    folders = other("faces", tarfile.DIRTYPE) + other("faces/train/", tarfile.DIRTYPE)
    write("faces_pax.tar.gz", tarfile.PAX_FORMAT, folders)
    write("faces_gnu.tar", tarfile.GNU_FORMAT, [], sorted(members, reverse=True))
    first = sorted(members)[:1]
    write("refused_parent.tar.gz", tarfile.PAX_FORMAT, other("../cat.png", tarfile.REGTYPE), first)
    write("refused_absolute.tar.gz", tarfile.PAX_FORMAT, other("/tmp/cat.png", tarfile.REGTYPE), first)
    write("refused_link.tar.gz", tarfile.PAX_FORMAT, other("faces/a.png", tarfile.SYMTYPE, "/etc/passwd"), first)
    write("refused_hard_link.tar.gz", tarfile.PAX_FORMAT, other("faces/a.png", tarfile.LNKTYPE, first[0]), first)
    write("refused_device.tar.gz", tarfile.PAX_FORMAT, other("faces/a.png", tarfile.CHRTYPE), first)
    write("refused_twice.tar.gz", tarfile.PAX_FORMAT, other(first[0], tarfile.REGTYPE), first)


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    tables()
    arrays()
    archives()


if __name__ == "__main__":
    main()
