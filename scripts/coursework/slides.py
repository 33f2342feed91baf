"""The rows of scripts/slides: reading and checking them."""

import re
import tomllib
from dataclasses import dataclass, field

STATES = ("made", "other data", "left out")
TEXTS = ("id", "title", "source", "idea", "formula", "state", "because", "note")
KEYS = {*TEXTS, "commands", "figures", "numbers", "real"}
REAL_KEYS = {"needs", "commands", "figures", "numbers", "note"}
NUMBER_KEYS = {"name", "file", "key", "value", "published", "protocol", "scale", "error", "digits"}
MARK = re.compile(r"\{(out|data|slides)\}|\{slide:([a-z0-9-]+)\}|\{quick:([^|{}]*)\|([^{}]*)\}|\{data:([^{}]+)\}")
SENTENCE = re.compile(r"[.!?](?:\s|$)")


@dataclass(frozen=True)
class Way:
    """How a slide is made: with stand-ins, or with the data that the source used."""

    state: str
    commands: tuple[str, ...] = ()
    figures: tuple[dict, ...] = ()
    numbers: tuple[dict, ...] = ()
    because: str = ""
    note: str = ""


@dataclass(frozen=True)
class Slide:
    id: str
    day: int
    title: str
    source: str
    idea: str
    formula: str
    usual: Way
    real: Way | None = None
    needs: tuple[str, ...] = ()
    file: str = field(default="", compare=False)

    @property
    def state(self):
        return self.usual.state

    @property
    def ways(self):
        return [self.usual] + ([self.real] if self.real else [])


def mode(slide, root):
    """The way to make a slide where `root` is the data root, or None."""
    if root and slide.real and all(find(root, name) for name in slide.needs):
        return slide.real
    return slide.usual


def find(root, name):
    """A file or folder of the data root, in it or in a folder of it; None where it is not."""
    return next((path for path in [root / name, *sorted(root.glob(f"*/{name}"))] if path.exists()), None)


def figures(rows):
    return tuple({"file": row} if isinstance(row, str) else row for row in rows)


def slide(row, day, file):
    usual = Way(row.get("state", ""), tuple(row.get("commands", ())), figures(row.get("figures", ())),
                tuple(row.get("numbers", ())), row.get("because", ""), row.get("note", ""))
    real = row.get("real")
    if real is not None:
        real = Way("made", tuple(real.get("commands", ())), figures(real.get("figures", row.get("figures", ()))),
                   tuple(real.get("numbers", row.get("numbers", ()))), "", real.get("note", row.get("note", "")))
    texts = {name: row.get(name, "").strip() for name in ("id", "title", "source", "idea", "formula")}
    return Slide(**texts, day=day, usual=usual, real=real, needs=tuple(row.get("real", {}).get("needs", ())), file=file)


def shape(row):
    """What is wrong with the types of a row."""
    def texts(value):
        return isinstance(value, list) and all(isinstance(item, str) for item in value)

    found = [f"{name} is no text" for name in TEXTS if not isinstance(row.get(name, ""), str)]
    found += [f"unknown key {name}" for name in sorted(set(row) - KEYS)]
    real = row.get("real", {})
    if not isinstance(real, dict):
        return found + ["real is no table"]
    found += [f"unknown key real.{name}" for name in sorted(set(real) - REAL_KEYS)]
    for part in (row, real):
        found += [f"{name} is no list of texts" for name in ("commands", "needs") if not texts(part.get(name, []))]
        pictures, numbers = part.get("figures", []), part.get("numbers", [])
        if not isinstance(pictures, list) or not all(isinstance(item, str) or isinstance(item, dict) and
                                                     set(item) <= {"file", "alt"} and "file" in item for item in pictures):
            found.append("figures is no list of paths or of tables with file and alt")
        if not isinstance(numbers, list) or not all(isinstance(item, dict) for item in numbers):
            found.append("numbers is no list of tables")
    if not isinstance(real.get("note", ""), str):
        found.append("real.note is no text")
    return found


def read(folder):
    """All slides in their order, and what is wrong with the files."""
    slides, mistakes = [], []
    for file in sorted(folder.glob("day*.toml")):
        day = re.fullmatch(r"day([1-9])\.toml", file.name)
        try:
            document = tomllib.loads(file.read_text("utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            mistakes.append(f"{file.name}: {error}")
            continue
        if not day or set(document) != {"slide"} or not isinstance(document["slide"], list):
            mistakes.append(f"{file.name}: expected dayN.toml with [[slide]] tables alone")
            continue
        for row in document["slide"]:
            wrong = shape(row)
            mistakes += [f"{file.name}: {row.get('id', 'a row without id')}: {text}" for text in wrong]
            if not wrong:
                slides.append(slide(row, int(day[1]), file.name))
    if not slides and not mistakes:
        mistakes.append(f"{folder} has no slides")
    return slides, mistakes


def wrong_number(number):
    name = number.get("name") or "a number without name"
    if set(number) - NUMBER_KEYS:
        return f"{name}: unknown keys {', '.join(sorted(set(number) - NUMBER_KEYS))}"
    for key in ("name", "file", "key", "value", "published", "protocol"):
        if not isinstance(number.get(key, ""), str):
            return f"{name}: {key} is no text; put it in quotation marks"
    if not number.get("name"):
        return "a number has no name"
    if not ("file" in number and "key" in number) and "value" not in number:
        return f"{name}: no file and key"
    if number.get("published") and not number.get("protocol"):
        return f"{name}: a published number without its protocol"
    return None


def wrong_way(way, made):
    """What is wrong with the commands, figures and numbers."""
    found = []
    if made and not way.commands:
        found.append("no commands")
    if made and not way.figures:
        found.append("no figures")
    for command in way.commands:
        for start in re.findall(r"\{(?:out|data|slides|slide|quick)\b[^}]*\}?", command):
            if not MARK.fullmatch(start):
                found.append(f"{start} is not understood")
    for picture in way.figures:
        path = picture["file"]
        if not re.search(r"\.(png|svg)$", path) or path.startswith("/") or ".." in path.split("/"):
            found.append(f"the figure {path} is no PNG or SVG below the slide's folder")
    found += [text for text in map(wrong_number, way.numbers) if text]
    return found


def wrong_slide(slide):
    found = []
    if not re.fullmatch(rf"day{slide.day}-[a-z0-9-]+", slide.id):
        found.append(f"the id is not day{slide.day}- and small letters, digits or hyphens")
    found += [f"no {name}" for name in ("title", "source", "idea", "formula") if not getattr(slide, name)]
    if len(SENTENCE.findall(slide.idea)) < 2:
        found.append("the idea has fewer than two sentences")
    if slide.state not in STATES:
        return found + [f"the state is {slide.state or 'missing'}: made, other data or left out"]
    if slide.state != "made" and len(slide.usual.because.strip()) < 10:
        found.append(f"{slide.state} without a reason: say because")
    if slide.state == "left out" and (slide.usual.commands or slide.usual.figures):
        found.append("left out, but with commands or figures")
    if any("{data" in command for command in slide.usual.commands):
        found.append("the commands need a data root: they belong to real")
    found += wrong_way(slide.usual, slide.state != "left out")
    if slide.real:
        found += [f"real: {text}" for text in wrong_way(slide.real, True)]
        if not slide.needs:
            found.append("real: no needs")
    return found


def needed(way):
    """The ids of the slides whose folders the commands read."""
    return [found[2] for command in way.commands for found in MARK.finditer(command) if found[2]]


def faults(slides):
    found, seen = [], {}
    known = {slide.id: slide for slide in slides}
    for slide in slides:
        if slide.id in seen:
            found.append(f"{slide.file}: {slide.id}: the id is taken, in {seen[slide.id]}")
        seen.setdefault(slide.id, slide.file)
        found += [f"{slide.file}: {slide.id}: {text}" for text in wrong_slide(slide)]
        for name in {name for way in slide.ways for name in needed(way)}:
            if name not in known or known[name].state == "left out":
                found.append(f"{slide.file}: {slide.id}: needs {name}, which is not made")
    return found + cycles(known)


def cycles(known):
    found, done = [], set()

    def follow(name, path):
        if name in path:
            found.append(f"{name}: needs itself through {' → '.join(path[path.index(name):])}")
        elif name in known and name not in done:
            for way in known[name].ways:
                for other in needed(way):
                    follow(other, [*path, name])
            done.add(name)

    for name in known:
        follow(name, [])
    return found
