#!/usr/bin/env python3
"""Small made-up tables for the slides, as CSV. The same name, rows and seed give the same table.

    scripts/coursework/table.py sinusoid --rows 25 > sinusoid.csv
"""

import argparse
import math
import random
import sys

# The mixture of two Gaussians that fits the eruptions of Old Faithful best: share, means, lower half of the covariance.
GEYSER = ((0.355873, (2.036388, 54.478516), (0.0691677, 0.4351676, 33.697282)),
          (0.644127, (4.289662, 79.968115), (0.1699684, 0.9406093, 36.046211)))
# Means in the plane of five groups of different sizes.
GROUPS = ((0.3, (-3, -2), 0.6), (0.25, (0, 2.5), 0.5), (0.2, (3, -1), 0.7), (0.15, (4, 3), 0.4), (0.1, (-3, 3), 0.4))


def pair(draw, mean, half):
    """A draw from a Gaussian in the plane."""
    first = math.sqrt(half[0])
    slope = half[1] / first
    a, b = draw.gauss(0, 1), draw.gauss(0, 1)
    return mean[0] + first * a, mean[1] + slope * a + math.sqrt(half[2] - slope * slope) * b


def choice(draw, shares):
    return draw.choices(range(len(shares)), shares)[0]


def coin(draw, rows):
    """tosses of a coin whose probability of heads is 0.7"""
    return ["heads"], [[int(draw.random() < 0.7)] for _ in range(rows)]


def binomial(draw, rows):
    """heads in ten tosses of a coin whose probability of heads is 0.25"""
    return ["m"], [[sum(draw.random() < 0.25 for _ in range(10))] for _ in range(rows)]


def gauss(draw, rows):
    """numbers from N(0.8, 0.1)"""
    return ["x"], [[draw.gauss(0.8, math.sqrt(0.1))] for _ in range(rows)]


def gaussian(half):
    def table(draw, rows):
        return ["x1", "x2"], [pair(draw, (0, 0), half) for _ in range(rows)]
    return table


def joint(draw, rows):
    """pairs of X, 1 to 9, and Y, 1 or 2: with Y = 1 the X are large, with Y = 2 small"""
    found = []
    for _ in range(rows):
        y = 1 + choice(draw, (0.4, 0.6))
        x = max(1, min(9, round(draw.gauss(6.2 if y == 1 else 3.6, 1.5))))
        found.append([f"x{x}", f"y{y}", f"x{x}y{y}"])
    return ["X", "Y", "XY"], sorted(found)


def sinusoid(draw, rows):
    """t = sin 2πx + N(0, 0.2²), x between 0 and 1, the first ones far apart; a shorter table begins a longer one"""
    points = [(draw.random(), draw.gauss(0, 0.2)) for _ in range(rows)]
    points[:4] = [(x, noise) for x, (_, noise) in zip((0.03, 0.97, 0.35, 0.6), points)]
    return ["x", "t"], [(x, math.sin(2 * math.pi * x) + noise) for x, noise in points]


def even(draw, rows):
    """t = sin 2πx + N(0, 0.3²), x evenly between 0 and 1"""
    points = [index / (rows - 1) for index in range(rows)]
    return ["x", "t"], [(x, math.sin(2 * math.pi * x) + draw.gauss(0, 0.3)) for x in points]


def held(draw, rows):
    """t = sin 2πx + N(0, 0.3²): ten rows evenly between 0 and 1, then rows to test by at random places"""
    places = [index / 9 if index < 10 else draw.random() for index in range(rows)]
    return ["x", "t"], [(x, math.sin(2 * math.pi * x) + draw.gauss(0, 0.3)) for x in places]


def line(draw, rows):
    """t = −0.3 + 0.5 x + N(0, 0.2²), x uniform between −1 and 1"""
    points = [(draw.uniform(-1, 1), draw.gauss(0, 0.2)) for _ in range(rows)]
    return ["x", "t"], [(x, -0.3 + 0.5 * x + noise) for x, noise in points]


def sparse(draw, rows):
    """ten columns, which explain t by three of them: t = 2 x1 − 1.5 x4 + x7 + N(0, 0.5²)"""
    found = []
    for _ in range(rows):
        row = [draw.gauss(0, 1) for _ in range(10)]
        found.append([*row, 2 * row[0] - 1.5 * row[3] + row[6] + draw.gauss(0, 0.5)])
    return [*(f"x{index}" for index in range(1, 11)), "t"], found


def geyser(draw, rows):
    """a stand-in for Old Faithful: draws from the two Gaussians that fit it best"""
    found = []
    for _ in range(rows):
        _, mean, half = GEYSER[choice(draw, [share for share, _, _ in GEYSER])]
        found.append(pair(draw, mean, half))
    return ["eruptions", "waiting"], found


def groups(draw, rows):
    """five groups in the plane, of different sizes"""
    found = []
    for _ in range(rows):
        _, mean, deviation = GROUPS[choice(draw, [share for share, _, _ in GROUPS])]
        found.append([draw.gauss(center, deviation) for center in mean])
    return ["x1", "x2"], found


def wave(draw, rows):
    """points along a sine: no number of Gaussians is the right one"""
    points = [4 * math.pi * index / rows for index in range(rows)]
    return ["x1", "x2"], [(x + draw.gauss(0, 0.1) - 6, 3 * (math.sin(x) + draw.gauss(0, 0.2))) for x in points]


def season(draw, rows):
    """months with a trend, a season and noise, like the carbon dioxide of Mauna Loa"""
    found = []
    for index in range(rows):
        year = 1980 + index / 12
        x = year - 1980
        level = 338 + 1.5 * x + 0.012 * x * x
        found.append((year, level + 2.8 * math.sin(2 * math.pi * year) - 0.8 * math.cos(4 * math.pi * year) + draw.gauss(0, 0.3)))
    return ["year", "co2"], found


def shock(draw, rows):
    """a curve that is flat, falls, swings and comes to rest, with noise that grows: like a head in a crash"""
    found = []
    for _ in range(rows):
        x = draw.uniform(0, 55)
        swing = 0 if x < 14 else -115 * math.exp(-((x - 21) / 6) ** 2) + 45 * math.exp(-((x - 33) / 6) ** 2)
        found.append((x, swing + draw.gauss(0, 2 if x < 14 else 18)))
    return ["times", "accel"], sorted(found)


def classes(draw, rows):
    """two classes in the plane that overlap"""
    found = []
    for _ in range(rows):
        second = draw.random() < 0.5
        found.append([*pair(draw, (1, 0.8) if second else (-1, -0.8), (1, 0.3, 0.8)), "blue" if second else "red"])
    return ["x1", "x2", "class"], found


def dose(draw, rows):
    """one input, and whether it had an effect: p = 1 / (1 + exp(−(1.5 x − 0.5)))"""
    found = []
    for _ in range(rows):
        x = draw.uniform(-4, 4)
        found.append([x, "yes" if draw.random() < 1 / (1 + math.exp(0.5 - 1.5 * x)) else "no"])
    return ["dose", "effect"], found


def three(draw, rows):
    """three classes in the plane"""
    means = ((-2, 0), (1, 2), (1.5, -1.5))
    found = []
    for _ in range(rows):
        index = choice(draw, (1, 1, 1))
        found.append([*pair(draw, means[index], (0.8, 0.1, 0.8)), "abc"[index]])
    return ["x1", "x2", "class"], found


TABLES = {"coin": coin, "binomial": binomial, "gauss": gauss, "general": gaussian((1, 0.8, 1.2)),
          "diagonal": gaussian((2, 0, 0.6)), "spherical": gaussian((1, 0, 1)), "joint": joint, "sinusoid": sinusoid, "even": even, "held": held,
          "line": line, "sparse": sparse, "geyser": geyser, "groups": groups, "wave": wave, "season": season, "shock": shock,
          "classes": classes, "dose": dose, "three": three}


def main():
    about = "\n".join(f"    {name:<10} {make.__doc__ or 'pairs from a Gaussian with such a covariance'}" for name, make in TABLES.items())
    parser = argparse.ArgumentParser(description=__doc__ + "\n" + about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=TABLES, metavar="NAME")
    parser.add_argument("--rows", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    o = parser.parse_args()
    head, rows = TABLES[o.name](random.Random(o.seed), o.rows)
    out = [",".join(head)] + [",".join(f"{cell:.6g}" if isinstance(cell, float) else str(cell) for cell in row) for row in rows]
    sys.stdout.write("\n".join(out) + "\n")


if __name__ == "__main__":
    main()
