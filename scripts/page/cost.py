#!/usr/bin/env python3
"""What a page with two readers costs a training: ratios of step times and of processor times, in pairs that take turns.

    scripts/page/cost.py [PAIRS] [STEPS]       needs a build: swift build -c release --product elbo

Trains the recipe vae; each reader follows the events and asks for the run and its metrics at each, as a browser does.
"""

import json
import math
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import urllib.request

ELBO = str(pathlib.Path(__file__).resolve().parents[2] / ".build/release/elbo")


def read(address):
    """A reader, until the page is gone."""
    try:
        after = 0
        with urllib.request.urlopen(address + "events") as events:
            for line in events:
                if not line.startswith(b"data:"):
                    continue
                name = json.loads(urllib.request.urlopen(address + "api/runs").read())["runs"][0]["name"]
                urllib.request.urlopen(f"{address}api/run/{name}").read()
                told = json.loads(urllib.request.urlopen(f"{address}api/run/{name}/metrics?after={after}").read())
                after = told["end"]
    except OSError:
        pass


def train(folder, steps, with_page):
    """Seconds a step, seconds of processors, and the hash."""
    command = [ELBO, "train", "vae", "--steps", str(steps), "--set", "train.report_every=5",
               "--set", "evaluate.importance_samples=0", "--json", "--quiet", "--no-figures",
               "--out", folder]
    process = subprocess.Popen(command + (["--page", "0", "--page-open"] if with_page else []),
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    readers = []
    if with_page:
        address = re.search(r"page at (\S+)", process.stderr.readline())[1]
        readers = [threading.Thread(target=read, args=(address,)) for _ in range(2)]
        for reader in readers:
            reader.start()
    summary = json.loads(process.stdout.read())
    _, _, usage = os.wait4(process.pid, 0)
    for reader in readers:
        reader.join()
    return summary["seconds"] / summary["steps"], usage.ru_utime + usage.ru_stime, summary["parameters_sha256"]


def interval(ratios):
    """The geometric mean of ratios with its 95 % interval."""
    logs = [math.log(ratio) for ratio in ratios]
    mean, error = statistics.mean(logs), statistics.stdev(logs) / math.sqrt(len(logs))
    return f"{math.exp(mean):.4f}, {math.exp(mean - 2.045 * error):.4f} to {math.exp(mean + 2.045 * error):.4f}"


def main():
    pairs, steps = (int(word) for word in (sys.argv[1:] + ["30", "1000"][len(sys.argv) - 1:])[:2])
    steps_ratios, work_ratios, hashes = [], [], set()
    with tempfile.TemporaryDirectory() as folder:
        for pair in range(pairs):
            # The first of a pair is another each time.
            times, work = {}, {}
            for with_page in ((False, True) if pair % 2 else (True, False)):
                times[with_page], work[with_page], digest = train(f"{folder}/{pair}-{with_page}", steps, with_page)
                hashes.add(digest)
            steps_ratios.append(times[True] / times[False])
            work_ratios.append(work[True] / work[False])
            print(f"{pair + 1:3} {times[False] * 1e3:8.3f} ms {times[True] * 1e3:8.3f} ms {steps_ratios[-1]:.4f}, "
                  f"processors {work_ratios[-1]:.4f}", flush=True)
    print(f"ratio of step times {interval(steps_ratios)}; of processor times {interval(work_ratios)}; {len(hashes)} hash(es)")
    sys.exit(0 if len(hashes) == 1 else 1)


if __name__ == "__main__":
    main()
