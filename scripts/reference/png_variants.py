"""Writes Tests/ImagesTests/Golden/png_variants.json: one small PNG of each kind the format knows, with its samples.

The files are encoded here from the specification (Python's standard library only), so that reading them is checked
against something other than libpng itself: colour types 0, 2, 3, 4, 6; every bit depth; all five row filters; Adam7
interlacing; transparent colours. Expected samples are 8 bits: n-bit samples scaled by 255 / (2^n - 1), rounded;
palettes as RGB; a transparent colour as an alpha channel.

    python3 scripts/reference/png_variants.py
"""

import base64
import json
import pathlib
import random
import struct
import zlib

WIDTH, HEIGHT = 13, 7
ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def paeth(a, b, c):
    p = a + b - c
    pa, pb, pc = abs(p - a), abs(p - b), abs(p - c)
    return a if pa <= pb and pa <= pc else b if pb <= pc else c


def pack(row, depth):
    """The bytes of one row of samples."""
    if depth == 16:
        return b"".join(struct.pack(">H", s) for s in row)
    if depth == 8:
        return bytes(row)
    bits = "".join(format(s, f"0{depth}b") for s in row)
    bits += "0" * (-len(bits) % 8)
    return bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8))


def filtered(rows, bytes_per_pixel):
    """Rows of bytes, each behind its filter's number; the filters take turns."""
    out = bytearray()
    for y, row in enumerate(rows):
        kind = y % 5
        above = rows[y - 1] if y else bytes(len(row))
        out.append(kind)
        for x, value in enumerate(row):
            left = row[x - bytes_per_pixel] if x >= bytes_per_pixel else 0
            corner = above[x - bytes_per_pixel] if x >= bytes_per_pixel else 0
            guess = [0, left, above[x], (left + above[x]) // 2, paeth(left, above[x], corner)][kind]
            out.append((value - guess) % 256)
    return bytes(out)


def encode(pixels, color, depth, interlaced=False, palette=None, transparent=None):
    """pixels[y][x] is a tuple of samples of `depth` bits."""
    bytes_per_pixel = max(1, CHANNELS[color] * depth // 8)
    data = b""
    for x0, y0, dx, dy in ADAM7 if interlaced else [(0, 0, 1, 1)]:
        rows = [[s for pixel in row[x0::dx] for s in pixel] for row in pixels[y0::dy]]
        if rows and rows[0]:
            data += filtered([pack(row, depth) for row in rows], bytes_per_pixel)
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, depth, color, 0, 0, int(interlaced))
    out = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"gAMA", struct.pack(">I", 100000))
    if palette:
        out += chunk(b"PLTE", bytes(s for entry in palette for s in entry))
    if transparent is not None:
        out += chunk(b"tRNS", transparent)
    packed = zlib.compress(data)
    half = len(packed) // 2
    return out + chunk(b"IDAT", packed[:half]) + chunk(b"IDAT", packed[half:]) + chunk(b"IEND", b"")


def to8(sample, depth):
    most = 2**depth - 1
    return (sample * 255 * 2 + most) // (2 * most)


def main():
    rng = random.Random(20)
    variants = []

    def add(name, color, depth, interlaced=False, palette=None, transparent=None, expand=None):
        most = (len(palette) if palette else 2**depth) - 1
        pixels = [
            [tuple(rng.randint(0, most) for _ in range(CHANNELS[color])) for _ in range(WIDTH)] for _ in range(HEIGHT)
        ]
        if not palette and transparent is not None:  # the key colour occurs
            pixels[2][3] = expand
        samples = []
        for row in pixels:
            for pixel in row:
                if palette:
                    samples += palette[pixel[0]]
                    if transparent is not None:
                        samples.append(transparent[pixel[0]] if pixel[0] < len(transparent) else 255)
                else:
                    samples += [to8(s, depth) for s in pixel]
                    if transparent is not None:
                        samples.append(0 if pixel == expand else 255)
        data = encode(pixels, color, depth, interlaced, palette, transparent)
        variants.append(
            {
                "name": name,
                "png": base64.b64encode(data).decode(),
                "width": WIDTH,
                "height": HEIGHT,
                "channels": len(samples) // (WIDTH * HEIGHT),
                "samples": base64.b64encode(bytes(samples)).decode(),
            }
        )

    for depth in [1, 2, 4, 8, 16]:
        add(f"grey {depth}", 0, depth)
        add(f"grey {depth} interlaced", 0, depth, interlaced=True)
    for depth in [8, 16]:
        for color, name in [(2, "RGB"), (4, "grey and alpha"), (6, "RGB and alpha")]:
            add(f"{name} {depth}", color, depth)
            add(f"{name} {depth} interlaced", color, depth, interlaced=True)
    for depth in [1, 2, 4, 8]:
        palette = [tuple(rng.randint(0, 255) for _ in range(3)) for _ in range(min(2**depth, 40))]
        add(f"palette {depth}", 3, depth, palette=palette)
        add(f"palette {depth} transparent", 3, depth, interlaced=depth == 4, palette=palette, transparent=bytes([0, 77]))
    add("grey 8 key colour", 0, 8, transparent=struct.pack(">H", 9), expand=(9,))
    add("grey 4 key colour", 0, 4, transparent=struct.pack(">H", 3), expand=(3,))
    add("RGB 8 key colour", 2, 8, transparent=struct.pack(">HHH", 1, 2, 3), expand=(1, 2, 3))
    add("RGB 16 key colour", 2, 16, transparent=struct.pack(">HHH", 1, 2, 300), expand=(1, 2, 300))

    path = pathlib.Path(__file__).parents[2] / "Tests/ImagesTests/Golden/png_variants.json"
    path.write_text(json.dumps(variants, indent=1) + "\n")


if __name__ == "__main__":
    main()
