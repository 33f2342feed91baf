"""Small data that is the same wherever it is written: numbers of a formula, and files of them."""
import os
import struct


class Numbers:
    """Whole numbers of a linear congruential generator (Knuth's MMIX constants)."""

    def __init__(self, seed):
        self.state = seed

    def below(self, bound):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self.state >> 33) % bound


def decimal(thousandths):
    return f"{'-' if thousandths < 0 else ''}{abs(thousandths) // 1000}.{abs(thousandths) % 1000:03}"


class Folder:
    """A folder that data sets are written into."""

    def __init__(self, path):
        self.path = path

    def write(self, name, content):
        path = os.path.join(self.path, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode())

    def table(self, name, header, rows):
        self.write(name + ".csv", "".join(",".join(map(str, row)) + "\n" for row in [header, *rows]))

    def npy(self, name, kind, shape, content):
        """An array of numpy's format 1.0."""
        head = "{'descr': '%s', 'fortran_order': False, 'shape': %s, }" % (kind, tuple(shape))
        head += " " * (-(len(head) + 11) % 64) + "\n"
        self.write(name + ".npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode() + content)

    def idx(self, name, draw, side, train, test):
        """The four files of MNIST, with labels 0 to 3."""
        for stem, count in (("train", train), ("t10k", test)):
            head = struct.pack(">IIII", 0x803, count, side, side)
            self.write(f"{name}/{stem}-images-idx3-ubyte", head + images(draw, count, side))
            labels = bytes(i % 4 for i in range(count))
            self.write(f"{name}/{stem}-labels-idx1-ubyte", struct.pack(">II", 0x801, count) + labels)


def images(draw, count, side, channels=1):
    """Bytes of noisy images with one bright square each, at one of four places."""
    pixels = bytearray()
    for image in range(count):
        for row in range(side):
            for column in range(side):
                bright = (row < side // 2) == (image % 4 < 2) and (column < side // 2) == (image % 2 == 0)
                for _ in range(channels):
                    pixels.append((160 if bright else 0) + draw.below(90))
    return bytes(pixels)


def groups(draw, count):
    """Rows around three places in the plane, in thousandths, each with the number of its place."""
    places = [(0, 0), (4000, 1000), (1000, 5000)]
    return [(places[i % 3][0] + draw.below(1500), places[i % 3][1] + draw.below(1000), i % 3) for i in range(count)]


def line(draw, step):
    """An input and a target that is nearly a bent line of it, in thousandths."""
    return [(x, x // 2 + abs(x) // 3 + draw.below(200)) for x in range(-2000, 2000, step)]
