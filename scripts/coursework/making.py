"""Makes slides: runs their commands, and records what was done."""

import hashlib
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from coursework.slides import MARK, find, mode, needed

RECORD, LOG = "course.json", "course.log"


def plain_words(command):
    """The words of a single command without pipes or redirections; of others none."""
    command = command.replace("\\\n", " ").strip()
    parser = shlex.shlex(command, posix=True, punctuation_chars=True)
    parser.whitespace_split, parser.commenters = True, ""
    try:
        words = list(parser)
    except ValueError:
        return []
    return [] if "\n" in command or any(set(word) <= set("();<>|&") for word in words if word) else words


class Maker:
    def __init__(self, slides, out, root, quick, elbo, scripts):
        self.slides, self.out, self.root, self.quick, self.scripts = slides, out, root, quick, scripts
        self.house = scripts.parent
        self.elbo = str(Path(elbo).resolve()) if elbo else str(self.house / ".build/release/elbo")
        self._version = None
        self.results = {}

    @property
    def version(self):
        if self._version is None:
            try:
                self._version = subprocess.run([self.elbo, "--version"], check=True, capture_output=True, text=True).stdout.strip()
            except (OSError, subprocess.CalledProcessError) as error:
                sys.exit(f"course: {self.elbo} does not run ({error}): build it, or set ELBO to its path")
        return self._version

    def way(self, slide):
        return mode(slide, self.root)

    def folder(self, name):
        return self.out / name

    def filled(self, command, slide, shown=False):
        """A command with its marks replaced: to run, or as a reader types it."""
        def place(path):
            return str(path) if shown else shlex.quote(str(Path(path).resolve()))

        def replace(found):
            name, other, quick, full, file = found.groups()
            if name == "out":
                return place(self.folder(slide.id))
            if name == "data":
                return place(self.root)
            if file:
                return place(find(self.root, file) or self.root / file)
            if name == "slides":
                return "scripts/slides" if shown else place(self.scripts / "slides")
            return place(self.folder(other)) if other else quick if self.quick else full

        return MARK.sub(replace, command)

    def key(self, slide):
        """What a slide's files depend on."""
        way = self.way(slide)
        parts = [self.version, self.quick, *(self.filled(command, slide, shown=True) for command in way.commands)]
        parts += [self.key(self.slides[name]) for name in needed(way)]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    def record(self, slide):
        try:
            return json.loads((self.folder(slide.id) / RECORD).read_text())
        except (OSError, ValueError):
            return {}

    def missing(self, slide):
        return [picture["file"] for picture in self.way(slide).figures if not (self.folder(slide.id) / picture["file"]).is_file()]

    def is_made(self, slide):
        record = self.record(slide)
        return record.get("key") == self.key(slide) and record.get("finished", False) and not self.missing(slide)

    def make_all(self, chosen):
        failed, start = [], time.monotonic()
        chosen = [slide for slide in chosen if self.way(slide).commands]
        for index, slide in enumerate(chosen, 1):
            reason = self.make(slide, f"{index}/{len(chosen)}")
            if reason:
                failed.append((slide, reason))
        print(f"course: {len(chosen) - len(failed)} of {len(chosen)} slides are there, after {time.monotonic() - start:.0f} s",
              file=sys.stderr)
        return failed

    def make(self, slide, place=""):
        """Returns why it failed, or None."""
        if slide.id in self.results:
            return self.results[slide.id]
        for name in needed(self.way(slide)):
            if self.make(self.slides[name], place):
                self.results[slide.id] = f"{name} failed, which it needs"
                return self.results[slide.id]
        self.results[slide.id] = None if self.is_made(slide) else self.attempt(slide, place)
        return self.results[slide.id]

    def attempt(self, slide, place):
        folder, record, key = self.folder(slide.id), self.record(slide), self.key(slide)
        commands = self.way(slide).commands
        if record.get("key") != key or record["done"] == len(commands) and self.missing(slide):
            # Other commands, another version, or figures that they did not make or that were removed: nothing of it counts.
            shutil.rmtree(folder, ignore_errors=True)
            record = {"key": key, "done": 0, "seconds": 0.0}
        folder.mkdir(parents=True, exist_ok=True)
        with open(folder / LOG, "a", encoding="utf-8") as log:
            for index in range(record["done"], len(commands)):
                command = self.filled(commands[index], slide)
                if record.get("begun") == index:
                    command = self.again(command, folder, record)
                else:
                    # What is found later beside this was made by the command that begins here.
                    record |= {"begun": index, "before": sorted(path.name for path in folder.iterdir())}
                self.write(folder, record)
                print(f"course: {place} {slide.id}, command {index + 1} of {len(commands)}", file=sys.stderr)
                print(f"$ {command}", file=log, flush=True)
                start = time.monotonic()
                status = self.run(command, log)
                record["seconds"] += time.monotonic() - start
                if status:
                    self.write(folder, record)
                    return self.complaint(folder, f"command {index + 1} ended with status {status}")
                record["done"] = index + 1
        record = {name: value for name, value in record.items() if name not in ("begun", "before")}
        absent = self.missing(slide)
        if absent:
            self.write(folder, record)
            return self.complaint(folder, f"no figure {', '.join(absent)}")
        self.write(folder, {**record, "finished": True, "quick": self.quick, "elbo": self.version,
                            "state": self.way(slide).state})
        print(f"course: {place} {slide.id} is made, in {record['seconds']:.1f} s", file=sys.stderr)
        return None

    def again(self, command, folder, record):
        """What to run of a command that was begun before: a training that was cut goes on, anything else starts from nothing."""
        words = plain_words(command)
        if words[:2] == ["elbo", "train"] and words.count("--out") == 1 and words[-1] != "--out":
            run = words[words.index("--out") + 1]
            if any(Path(run).glob("checkpoints/*")):
                return f"elbo train --resume {shlex.quote(run)}"
        for path in folder.iterdir():
            if path.name not in {RECORD, LOG, *record["before"]}:
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        return command

    def run(self, command, log):
        shell = ["bash", "-euo", "pipefail", "-c", 'elbo() { "$ELBO" "$@"; }; ' + command]
        process = subprocess.Popen(shell, cwd=self.house, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                   env={**os.environ, "ELBO": self.elbo}, start_new_session=True)
        try:
            return process.wait()
        except BaseException:
            # Ctrl-C: a training writes a checkpoint and ends.
            os.killpg(process.pid, signal.SIGINT)
            process.wait()
            raise

    def write(self, folder, record):
        temporary = folder / (RECORD + ".new")
        temporary.write_text(json.dumps(record, indent=1) + "\n")
        os.replace(temporary, folder / RECORD)

    def complaint(self, folder, reason):
        lines = (folder / LOG).read_text("utf-8", "replace").splitlines()[-6:]
        return "\n    ".join([f"{reason}; the end of {folder / LOG}:", *lines])
