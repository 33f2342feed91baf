"""Finds the numbers of a slide in the JSON that elbo wrote."""

import json

ABSENT = object()


def look(value, key):
    """The part of a document that a key such as `prior.a.0` names; names in it may have dots or slashes."""
    if not key:
        return value
    if isinstance(value, dict):
        if key in value:
            return value[key]
        for place in range(len(key) - 1, 0, -1):
            if key[place] == "." and key[:place] in value:
                found = look(value[key[:place]], key[place + 1:])
                if found is not ABSENT:
                    return found
    elif isinstance(value, list):
        first, _, rest = key.partition(".")
        if first.isdigit() and int(first) < len(value):
            return look(value[int(first)], rest)
    return ABSENT


def text(value, digits):
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return ", ".join(text(item, digits) for item in value) if isinstance(value, list) else str(value)
    if isinstance(value, int) or float(value).is_integer() and abs(value) < 1e6:
        return f"{int(value):,}".replace("-", "−")
    return f"{value:.{digits}g}".replace("-", "−")


def measured(number, folder):
    """The number as text, or None where it is not there."""
    if "file" not in number:
        return number["value"]
    try:
        document = json.loads((folder / number["file"]).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    found = look(document, number["key"])
    if found is ABSENT and isinstance(document, dict):
        found = look(document.get("metrics", {}), number["key"])
    if found is ABSENT:
        return None
    if isinstance(found, (int, float)) and not isinstance(found, bool):
        found = (1 - found if number.get("error") else found) * number.get("scale", 1)
    return text(found, number.get("digits", 4))
