"""Drives the page in a headless Chromium; see scripts/page/test."""

import argparse
import json
import math
import os
import pathlib
import random
import re
import signal
import subprocess
import tempfile
import time
import urllib.request

from browser import Browser

HOUSE = pathlib.Path(__file__).resolve().parents[2]
ELBO = str(HOUSE / ".build/release/elbo")


class Workplace:
    """A folder with data and runs, the processes that were started, and where pictures go."""

    def __init__(self, pictures):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="elbo-page-test-"))
        self.pictures = pictures
        self.processes = []
        draw = random.Random(1)
        points = [draw.uniform(-3, 3) for _ in range(200)]
        rows = "".join(f"{x:.4f},{math.sin(x) + draw.gauss(0, 0.1):.4f}\n" for x in points)
        (self.folder / "sine.csv").write_text("x,y\n" + rows)

    def __truediv__(self, name):
        return str(self.folder / name)

    def train(self, *arguments):
        subprocess.run([ELBO, "train", *arguments, "--quiet"], check=True, stdout=subprocess.DEVNULL)

    def start(self, *arguments, say="stderr"):
        """Starts a command that says the address of a page; returns the process and the address."""
        process = subprocess.Popen([ELBO, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.processes.append(process)
        for line in getattr(process, say):
            found = re.search(r"[Pp]age at (http://\S+)", line)
            if found:
                # What is said further is not read: it must not fill a pipe.
                for stream in (process.stdout, process.stderr):
                    subprocess.Popen(["cat"], stdin=stream, stdout=subprocess.DEVNULL)
                return process, found[1]
        raise AssertionError(f"{arguments} says no address: {process.stderr.read()}")

    def background(self, *arguments):
        process = subprocess.Popen([ELBO, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.processes.append(process)
        return process

    def picture(self, browser, name, whole=True):
        if self.pictures:
            browser.value("document.querySelectorAll('img').forEach((image) => { image.loading = 'eager'; })")
            time.sleep(1)
            browser.picture(str(self.pictures / f"{name}.png"), whole)

    def close(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait()


def sine(workplace, *more):
    return ["bbb-regression", "--data", workplace / "sine.csv", "--set", "data.target=y", "--set", "train.report_every=5", *more]


def many_runs(workplace, browser):
    for seed in (1, 2, 3):
        workplace.train(*sine(workplace, "--epochs", "20", "--seed", str(seed), "--out", workplace / f"runs/seed-{seed}"))
    workplace.train(*sine(workplace, "--epochs", "20", "--seed", "1", "--out", workplace / "runs/<b>again"))
    workplace.train("gan", "--data", "gaussian-ring", "--steps", "60", "--set", "train.figure_every=20", "--out", workplace / "runs/gan")
    process, address = workplace.start("page", workplace / "runs", "--port", "0", say="stdout")
    browser.open(address)
    browser.wait("document.querySelectorAll('#runs tbody tr').length === 5")
    assert "token" not in browser.value("location.href"), "the token stays in the address"
    workplace.picture(browser, "runs")

    browser.press("/")
    browser.wait("document.activeElement.id === 'filter'")
    for letter in "seed":
        browser.press(letter)
    browser.wait("document.querySelectorAll('#runs tbody tr').length === 3")
    browser.press("Escape")
    browser.value("document.querySelectorAll('#runs th button')[0].click()")
    first = browser.value("document.querySelector('#runs tbody a').textContent")
    browser.value("document.querySelectorAll('#runs th button')[0].click()")
    assert browser.value("document.querySelector('#runs tbody a').textContent") != first, "the order stays"

    browser.value("document.querySelectorAll('#runs tbody input').forEach((box) => box.click())")
    browser.press("c")
    browser.wait("location.hash.startsWith('#/compare/') && document.querySelectorAll('.chart path.curve').length >= 6")
    assert "train.seed" in browser.value("document.body.innerText")
    browser.press("g")
    browser.wait("document.querySelectorAll('.chart path.band').length >= 2")
    assert "Mean over 3 seeds" in browser.value("document.body.innerText")
    workplace.picture(browser, "compare")
    browser.value("document.querySelector('#legend input').click()")
    browser.wait("document.querySelectorAll('.chart path.curve').length === 0")
    browser.press("h")

    browser.wait("document.querySelectorAll('#runs tbody tr').length > 0")
    browser.value("document.querySelectorAll('#runs tbody input')[0].click(); document.querySelector('#hide').click()")
    browser.wait("document.body.innerText.includes('1 hidden')")
    browser.value("location.hash = '#/run/' + encodeURIComponent('<b>again')")
    browser.wait("document.querySelector('h1')?.textContent === '<b>again' && document.body.innerText.includes('seed-1')")
    one_run(workplace, browser)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=30) == 0
    browser.wait("document.querySelector('#connection').classList.contains('lost')")


def one_run(workplace, browser):
    browser.wait("document.querySelectorAll('#curves .chart path.curve').length > 0")
    before = browser.value("document.querySelector('#curves path.curve').getAttribute('d')")
    browser.press("s")
    browser.wait("document.activeElement.id === 'smoothing'")
    for _ in range(5):
        browser.press("ArrowRight")
    browser.wait(f"document.querySelector('#curves path.curve:not(.raw)').getAttribute('d') !== {json.dumps(before)}")
    browser.wait("document.querySelectorAll('#curves path.raw').length > 0")
    browser.press("l")
    browser.wait("document.querySelector('#log').getAttribute('aria-pressed') === 'true'")
    browser.press("x")
    browser.wait("document.querySelector('#axis').value === 'epoch'")
    browser.value("document.querySelector('#curves .chart > svg').focus()")
    browser.press("ArrowRight")
    browser.wait("document.querySelector('#curves .readout').textContent.startsWith('epoch')")
    browser.click("#all-keys")
    browser.wait("document.querySelectorAll('#recipe tbody tr').length > 20")
    theme = browser.value("getComputedStyle(document.body).color")
    browser.press("d")
    browser.wait(f"getComputedStyle(document.body).color !== {json.dumps(theme)}")
    browser.press("?")
    browser.wait("document.querySelector('#box').open")
    browser.press("Escape")
    browser.wait("!document.querySelector('#box').open")
    workplace.picture(browser, "run-dark")
    browser.press("d")
    browser.press("l")
    browser.value("location.hash = '#/run/gan'")
    browser.wait("document.querySelector('#figures input[type=range]')")
    browser.value("const slider = document.querySelector('#figures input[type=range]'); slider.scrollIntoView(); slider.focus()")
    browser.wait("document.querySelector('#figures input[type=range] ~ button img').naturalWidth > 0")
    browser.press("ArrowLeft")
    browser.wait("document.querySelector('#figures input[type=range]').previousSibling.textContent === 'step 60'")
    browser.wait("document.querySelector('#figures input[type=range] ~ button img').src.includes('step-000060')")
    browser.value("document.querySelector('#figures input[type=range] ~ button').click()")
    browser.wait("document.querySelector('#box img').naturalWidth > 0")
    browser.click("#close")


def a_file(workplace, browser):
    path = workplace / "gan.html"
    subprocess.run([ELBO, "page", workplace / "runs/gan", "--output", path], check=True, stdout=subprocess.DEVNULL)
    browser.requests.clear()
    browser.open("file://" + path)
    browser.wait("document.querySelectorAll('.chart path.curve').length > 0 && document.querySelector('#figures img').naturalWidth > 0")
    others = [address for address in browser.requests if not address.startswith(("file://" + path, "data:"))]
    assert not others, f"the file asks others: {others}"


def a_run_that_ends(workplace, browser):
    _, address = workplace.start("train", *sine(workplace, "--steps", "60000", "--out", workplace / "ends", "--page", "0"))
    browser.open(address)
    browser.wait("document.querySelector('.state.running') && document.querySelector('progress')")
    browser.wait("document.querySelector('#head').innerText.includes('left')")
    workplace.picture(browser, "running", whole=False)
    browser.wait("document.querySelector('#head .state').textContent === 'finished'", 300)
    assert re.search("parameters_sha256 [0-9a-f]{64}", browser.value("document.querySelector('#head').innerText"))
    browser.wait("document.querySelector('#connection').classList.contains('lost')")


def ask(address, path, token):
    request = urllib.request.Request(address + path, headers={"Authorization": f"Bearer {token}"})
    return urllib.request.urlopen(request).read().decode()


def a_cluster(workplace, browser):
    token = "a-token-of-the-test"
    pathlib.Path(workplace / "token").write_text(token)
    coordinator = [
        "coordinator", *sine(workplace, "--steps", "100000000", "--set", "train.report_every=200", "--shards", "8", "--out", workplace / "cluster"),
        "--bind", f"ipc://{workplace / 'coordinator'}", "--nodes", "4", "--heartbeat", "0.3", "--quiet",
        "--page-token-file", workplace / "token"]
    process, address = workplace.start(*coordinator, "--page", "0")
    nodes = [workplace.background("node", "--coordinator", f"ipc://{workplace / 'coordinator'}", "--lanes", "1",
                                  "--name", f"node-{n}") for n in (1, 2, 3, 4)]
    browser.open(f"{address}?token={token}")
    browser.wait("document.querySelectorAll('#nodes .state.member').length === 4", 120)
    browser.wait("document.querySelectorAll('#curves path.curve').length > 0", 120)
    nodes[2].kill()
    browser.wait("document.querySelector('#nodes').innerText.includes('node-3 is lost')", 120)
    browser.wait("document.querySelectorAll('#curves .fault').length > 0")
    workplace.picture(browser, "cluster")
    metrics = ask(address, "metrics", token)
    assert 'elbo_nodes{state="lost"} 1\n' in metrics and 'elbo_nodes{state="member"} 3\n' in metrics, metrics
    pathlib.Path(workplace / "metrics.txt").write_text(metrics)

    # Only from here on the browser may find nobody.
    assert not browser.errors, browser.errors
    process.kill()
    process.wait()
    browser.wait("document.querySelector('#connection').classList.contains('lost')")
    workplace.picture(browser, "coordinator-gone", whole=False)
    port = address.rsplit(":", 1)[1].strip("/")
    process, _ = workplace.start(*coordinator, "--page", port)
    browser.wait("!document.querySelector('#connection').classList.contains('lost')", 120)
    browser.wait("document.querySelector('#nodes').innerText.includes('1 restarts of the coordinator')", 120)
    browser.wait("document.querySelectorAll('#nodes .state.member').length === 3", 120)
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=120)
    os.path.exists(workplace / "metrics.txt") and print("metrics of the cluster:", workplace / "metrics.txt")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=pathlib.Path)
    parser.add_argument("--only")
    options = parser.parse_args()
    if options.pictures:
        options.pictures.mkdir(parents=True, exist_ok=True)
    workplace = Workplace(options.pictures)
    failed = []
    try:
        for test in (many_runs, a_file, a_run_that_ends, a_cluster):
            if options.only and test.__name__ != options.only:
                continue
            browser = Browser()
            try:
                test(workplace, browser)
                # A server that is gone is an error to the browser; the tests that end one look for the others before.
                expected = ("ERR_CONNECTION_REFUSED", "ERR_CONNECTION_RESET", "ERR_INCOMPLETE")
                errors = [error for error in browser.errors if not any(name in error for name in expected)]
                assert not errors, errors
                print(f"{test.__name__}: passed")
            except AssertionError as error:
                failed.append(test.__name__)
                print(f"{test.__name__}: {error}\nerrors of the browser: {browser.errors}")
            finally:
                browser.close()
    finally:
        workplace.close()
    raise SystemExit(1 if failed else 0)


if __name__ == "__main__":
    main()
