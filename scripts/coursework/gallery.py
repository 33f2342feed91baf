"""The page with all slides: one HTML file, its figures beside it, no requests to elsewhere."""

import html
import os
import struct
from collections import Counter
from urllib.parse import quote

from coursework.numbers import measured
from coursework.slides import STATES

DAYS = {1: "Probability, priors, linear models", 2: "Mixtures, EM, components, auto-encoders",
        3: "Networks with uncertainty, generative models, sequences"}

STYLE = """
:root { color-scheme: light dark; --paper: #fdfdfc; --ink: #1d1f22; --quiet: #5c636c; --line: #d9dce0; --box: #f1f3f5;
  --link: #0b57a4; --made: #1c6b3a; --other: #8a5200; --out: #6a6f76; }
@media (prefers-color-scheme: dark) { :root { --paper: #16181b; --ink: #e4e6e9; --quiet: #a0a7b0; --line: #363b41;
  --box: #22262b; --link: #83b9ef; --made: #7cc894; --other: #e5b062; --out: #a0a7b0; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 60rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: break-word; }
a { color: var(--link); }
h1 { line-height: 1.2; } h2 { margin-top: 3rem; border-bottom: 2px solid var(--line); } h3 { margin: 0; line-height: 1.3; }
nav ol { columns: 20rem; padding-left: 1.5rem; } nav li { break-inside: avoid; }
nav details { margin: .5rem 0; } summary { cursor: pointer; font-weight: 600; }
article { margin: 2rem 0; padding-top: 1rem; border-top: 1px solid var(--line); }
h2 + article { border-top: 0; }
.source { margin: 0; color: var(--quiet); }
pre { margin: .5rem 0; padding: .6rem .8rem; background: var(--box); border-radius: .3rem; overflow-x: auto;
  font: .85rem/1.45 ui-monospace, monospace; }
pre.formula { font-size: 1rem; }
pre.command { max-height: 18rem; white-space: pre-wrap; overflow-y: auto; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr)); gap: .8rem; align-items: start; }
figure { margin: .8rem 0; }
figure img { display: block; max-width: 100%; height: auto; background: #fff; border-radius: .3rem; }
figure.small img { width: min(100%, 24rem); image-rendering: pixelated; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; margin: .5rem 0; }
th, td { padding: .25rem .8rem .25rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); }
td.number { white-space: nowrap; font-variant-numeric: tabular-nums; }
.state { display: inline-block; padding: 0 .5rem; border: 1px solid currentcolor; border-radius: 1rem; font-size: .8rem;
  font-weight: 400; white-space: nowrap; }
.made { color: var(--made); } .other { color: var(--other); } .out { color: var(--out); }
.warning { padding: .5rem .8rem; border-left: .25rem solid var(--other); background: var(--box); }
.failed { border-left-color: #c0392b; }
@media print { body { max-width: none; } pre.command { max-height: none; } article { break-inside: avoid; } }
"""
ABSENT = "not measured"
CLASSES = {"made": "made", "other data": "other", "left out": "out"}


def escaped(text):
    return html.escape(text, quote=True)


def counts(states):
    found = Counter(states)
    return ", ".join(f"{found[state]} {'made on other data' if state == 'other data' else state}" for state in STATES)


def badge(state):
    return f'<span class="state {CLASSES[state]}">{state}</span>'


def table(head, rows):
    if not rows:
        return ""
    cells = "".join(f"<th scope=col>{name}</th>" for name in head)
    lines = "".join(f"<tr>{''.join(row)}</tr>" for row in rows)
    return f"<div class=scroll><table><thead><tr>{cells}</tr></thead><tbody>{lines}</tbody></table></div>\n"


def cell(text, number=False):
    return f"<td{' class=number' if number else ''}>{escaped(text)}</td>"


def numbers(way, folder):
    rows = [(number, measured(number, folder)) for number in way.numbers]
    here = [(number, ABSENT if found is None else found) for number, found in rows]
    if way.state != "other data":
        # A table without a published number has two columns less.
        if not any(number.get("published") for number, _ in here):
            return table(("number", "here"), [[cell(number["name"]), cell(found, True)] for number, found in here])
        return table(("number", "here", "published or exact", "protocol"),
                     [[cell(number["name"]), cell(found, True), cell(number.get("published", ""), True),
                       cell(number.get("protocol", ""))] for number, found in here])
    text = table(("number", "here, on other data"), [[cell(number["name"]), cell(found, True)] for number, found in here])
    published = [number for number, _ in here if number.get("published")]
    if published:
        text += "<p>Published, on the data of the source. These numbers do not compare with those above:</p>\n"
        text += table(("number", "published", "protocol"),
                      [[cell(number["name"]), cell(number["published"], True), cell(number["protocol"])] for number in published])
    return text


def size(path):
    """Width and height of a PNG, or None."""
    with open(path, "rb") as file:
        head = file.read(24)
    return struct.unpack(">II", head[16:24]) if head[:8] == b"\x89PNG\r\n\x1a\n" and len(head) == 24 else None


def figure(picture, slide, maker, index, count):
    path = maker.folder(slide.id) / picture["file"]
    which = f", picture {index + 1} of {count}: {path.stem}" if count > 1 else ""
    alt = picture.get("alt") or f"{slide.title} ({slide.source}){which}"
    pixels = size(path)
    # The browser keeps the place of a picture that it has not loaded.
    measures = f' width="{pixels[0]}" height="{pixels[1]}"' if pixels else ""
    small = " class=small" if pixels and pixels[0] < 300 else ""
    target = quote(os.path.relpath(path, maker.out))
    return (f'<figure{small}><a href="{target}"><img src="{target}" alt="{escaped(alt)}"{measures} loading="lazy"></a>'
            "</figure>\n")


def article(slide, maker, reasons):
    way = maker.way(slide)
    parts = [f'<article id="{slide.id}">\n<h3>{escaped(slide.title)} {badge(way.state)}</h3>\n',
             f'<p class="source">{escaped(slide.source)}</p>\n<p>{escaped(slide.idea)}</p>\n',
             f'<pre class="formula">{escaped(slide.formula)}</pre>\n']
    if way.state == "left out":
        return "".join(parts) + f'<p class="warning">Left out because {escaped(reason(way))}</p>\n</article>\n'
    if way.state == "other data":
        parts.append(f'<p class="warning">Other data: {escaped(way.because.strip())}</p>\n')
    commands = "\n".join(maker.filled(command, slide, shown=True) for command in way.commands)
    parts.append(f'<pre class="command">{escaped(commands)}</pre>\n')
    made = maker.is_made(slide)
    if slide.id in reasons:
        parts.append(f'<p class="warning failed">Failed: {escaped(reasons[slide.id].splitlines()[0])}</p>\n')
    elif not made:
        parts.append('<p class="warning failed">Not made yet with these commands and options.</p>\n')
    if made:
        pictures = "".join(figure(picture, slide, maker, index, len(way.figures)) for index, picture in enumerate(way.figures))
        parts.append(f"<div class=figures>\n{pictures}</div>\n" if len(way.figures) > 1 else pictures)
        if way.note:
            parts.append(f"<p>{escaped(way.note.strip())}</p>\n")
        parts.append(numbers(way, maker.folder(slide.id)))
        parts.append(f'<p class="source">Made in {maker.record(slide)["seconds"]:.1f} s.</p>\n')
    return "".join(parts) + "</article>\n"


def reason(way):
    """The reason, as the end of a sentence that begins with: Left out because."""
    return way.because.strip()


def write(page, slides, maker, failed):
    reasons = {slide.id: text for slide, text in failed}
    days = sorted({slide.day for slide in slides})
    states = {slide.id: maker.way(slide).state for slide in slides}
    made = [slide for slide in slides if states[slide.id] != "left out" and maker.is_made(slide)]
    drawn = sum(len(maker.way(slide).figures) for slide in made)
    title = "Bayesian statistics for deep learning: the figures"
    text = [f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{title}</title>\n',
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n', f"<style>{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n",
            f"<p>Made with elbo {escaped(maker.version)}{', with the shorter trainings of --quick' if maker.quick else ''}. "
            f"{len(slides)} slides: {counts(states.values())}. "
            f"This page shows {drawn} figures of {len(made)} slides.</p>\n"]
    text.append(table(("day", *STATES, "on this page"), [
        [f'<td><a href="#day{day}">Day {day}: {DAYS[day]}</a></td>',
         *(cell(str(sum(slide.day == day and states[slide.id] == state for slide in slides)), True) for state in STATES),
         cell(str(sum(slide.day == day for slide in made)), True)] for day in days]))
    text.append("<nav aria-label=Contents>\n")
    for day in days:
        rows = "".join(f'<li><a href="#{slide.id}">{escaped(slide.title)}</a>'
                       f"{'' if states[slide.id] == 'made' else ' ' + badge(states[slide.id])}</li>\n"
                       for slide in slides if slide.day == day)
        text.append(f"<details open><summary>Day {day}: {DAYS[day]}</summary>\n<ol>\n{rows}</ol>\n</details>\n")
    text.append("</nav>\n")
    for day in days:
        text.append(f'<h2 id="day{day}">Day {day}: {DAYS[day]}</h2>\n')
        text += [article(slide, maker, reasons) for slide in slides if slide.day == day]
    out = [slide for slide in slides if states[slide.id] == "left out"]
    text.append(f'<h2 id="left-out">Left out</h2>\n<p>{len(out)} slides have no figure here.</p>\n')
    text.append(table(("slide", "source", "because"), [
        [f'<td><a href="#{slide.id}">{escaped(slide.title)}</a></td>', cell(slide.source), cell(reason(maker.way(slide)))]
        for slide in out]))
    text.append("</body>\n</html>\n")
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text("".join(text), "utf-8")
