"""The decoder under AddressSanitizer and UndefinedBehaviorSanitizer, fed by libFuzzer, which follows what is covered."""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from .cluster import HOUSE

SOURCES = HOUSE / "Sources"
C = ["-g", "-O1", "-fsanitize=address,undefined,fuzzer-no-link", "-fno-sanitize-recover=all"]


def build(folder: Path) -> Path:
    """The Messages room, its C and the harness in one program."""
    objects = []
    for source in [*sorted((SOURCES / "CMessages").rglob("*.c")), *sorted((SOURCES / "CChecksum").glob("*.c"))]:
        objects.append(folder / (source.stem + ".o"))
        includes = ["-I", SOURCES / "CMessages/include", "-I", SOURCES / "CChecksum/include"]
        subprocess.run(["clang", *C, *includes, "-c", source, "-o", objects[-1]], check=True)
    # The package manager makes this map for a target without one.
    (folder / "module.modulemap").write_text(
        f'module CChecksum {{ header "{SOURCES / "CChecksum/include/CChecksum.h"}" export * }}\n')
    program = folder / "decode"
    maps = [word for path in [folder, SOURCES / "CMessages/include", SOURCES / "CProtobufC"] for word in ("-I", path)]
    subprocess.run(
        ["swiftc", "-swift-version", "6", "-O", "-g", "-parse-as-library", "-module-name", "Messages",
         "-sanitize=address,fuzzer", "-use-ld=lld", *maps, *sorted((SOURCES / "Messages").glob("*.swift")),
         HOUSE / "scripts/soaking/DecoderFuzzer.swift", *objects, "-o", program,
         # UBSan's reports; clang would add them by itself, swiftc does not.
         "-Xclang-linker", "-fsanitize=undefined"], check=True)
    return program


def corpus(folder: Path) -> None:
    """The golden messages of the tests, as one frame and as two."""
    folder.mkdir()
    golden = json.loads((HOUSE / "Tests/MessagesTests/Golden/messages.json").read_text())
    for kind, tag in [("control", 0), ("log", 1), ("data", 2)]:
        for name, message in golden[kind].items():
            message = bytes.fromhex(message)
            (folder / f"{kind}-{name}").write_bytes(bytes([tag]) + message)
            if kind == "data":
                cut = len(message) // 2
                (folder / f"{kind}-{name}-2").write_bytes(bytes([3, cut >> 8, cut & 255]) + message)


def run(o: argparse.Namespace) -> None:
    seed = o.seed if o.seed is not None else int(time.time())
    with tempfile.TemporaryDirectory(prefix="elbo-sanitize-") as folder:
        folder = Path(folder)
        program = build(folder)
        corpus(folder / "corpus")
        # What the allocator of the runtime keeps to the end is no leak of a message; leaks are looked for all the same.
        result = subprocess.run(
            [program, f"-runs={o.count}", f"-seed={seed % 2**32 or 1}", "-max_len=4096", "-print_final_stats=1",
             f"-artifact_prefix={os.getcwd()}/", folder / "corpus"], stderr=subprocess.PIPE, text=True)
    done = re.search(r"Done (\d+) runs in (\d+) second", result.stderr)
    covered = re.findall(r"cov: (\d+) ft: (\d+) corp: (\d+)", result.stderr)
    if result.returncode or not done:
        print(result.stderr[-4000:], file=sys.stderr)
        sys.exit("the decoder has a fault; the input is in this folder")
    print(f"seed {seed}: {done[1]} inputs in {done[2]} s under AddressSanitizer and UndefinedBehaviorSanitizer: no finding; "
          f"{covered[-1][0]} edges covered, {covered[-1][2]} inputs kept")
