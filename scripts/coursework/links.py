"""Checks that all links, pictures and numbers of the gallery exist."""

import sys
from html.parser import HTMLParser
from urllib.parse import unquote

from coursework.gallery import ABSENT


class Collector(HTMLParser):
    def __init__(self):
        super().__init__()
        self.targets, self.names, self.mistakes, self.article = [], set(), [], ""

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if "id" in given:
            if given["id"] in self.names:
                self.mistakes.append(f"the id {given['id']} occurs twice")
            self.names.add(given["id"])
        if tag == "article":
            self.article = given.get("id", "")
        if tag == "img" and not given.get("alt", "").strip():
            self.mistakes.append(f"the picture {given.get('src')} has no alt text")
        self.targets += [given[name] for name in ("href", "src") if name in given]

    def handle_data(self, text):
        if text == ABSENT:
            self.mistakes.append(f"{self.article}: a number is not in the file that its row names")


def check(page):
    if not page.is_file():
        print(f"course: there is no {page}", file=sys.stderr)
        return 1
    collector = Collector()
    collector.feed(page.read_text("utf-8"))
    mistakes = list(collector.mistakes)
    for target in collector.targets:
        if target.startswith("#"):
            if target[1:] not in collector.names:
                mistakes.append(f"{target} leads nowhere")
        elif "//" in target or target.startswith("data:"):
            mistakes.append(f"{target} leads elsewhere")
        elif not (page.parent / unquote(target)).is_file():
            mistakes.append(f"there is no {target}")
        elif not (page.parent / unquote(target)).stat().st_size:
            mistakes.append(f"{target} is empty")
    for mistake in mistakes:
        print(f"course: {mistake}", file=sys.stderr)
    print(f"course: {len(collector.targets)} links and pictures, {len(mistakes)} faults")
    return 1 if mistakes else 0
