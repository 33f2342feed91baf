"""Minimax polynomials of the vector kernels (Sources/C/CKernels/math.h), as C float constants.

Each is found by the Remez exchange over the stated interval, for the relative error of the function that uses it,
and rounded to float32; the printed error is that of the rounded coefficients, evaluated exactly.

    python3 scripts/reference/kernel_polynomials.py
"""

import mpmath as mp
import numpy as np

mp.mp.dps = 40


def remez(target, weight, degree, low, high, rounds=30):
    """Coefficients c minimising max |weight(x) * (target(x) - sum c[k] x^k)| over [low, high]."""
    count = degree + 2
    chebyshev = [mp.cos(mp.pi * (2 * k + 1) / (2 * count)) for k in reversed(range(count))]
    nodes = [(low + high) / 2 + (high - low) / 2 * (c + mp.mpf("1e-3")) for c in chebyshev]
    # Never 0, where a weight may vanish.
    grid = [low + (high - low) * (mp.mpf(k) + mp.mpf("0.25")) / 2000 for k in range(2000)]
    values = [(target(x), abs(weight(x))) for x in grid]
    for _ in range(rounds):
        rows = [[x**k for k in range(degree + 1)] + [(-1) ** i / abs(weight(x))] for i, x in enumerate(nodes)]
        solution = mp.lu_solve(mp.matrix(rows), mp.matrix([target(x) for x in nodes]))
        coefficients = [solution[k] for k in range(degree + 1)]
        error = [w * (t - mp.polyval(coefficients[::-1], x)) for x, (t, w) in zip(grid, values)]
        extrema, start = [], 0
        for i in range(1, len(grid) + 1):
            if i == len(grid) or (error[i] > 0) != (error[start] > 0):
                extrema.append(max(range(start, i), key=lambda j: abs(error[j])))
                start = i
        if len(extrema) < count:
            break
        while len(extrema) > count:
            extrema.pop(0 if abs(error[extrema[0]]) < abs(error[extrema[-1]]) else -1)
        nodes = [grid[i] for i in extrema]
    return coefficients, grid, values


def show(name, target, weight, degree, low, high):
    coefficients, grid, values = remez(target, weight, degree, mp.mpf(low), mp.mpf(high))
    rounded = [float(np.float32(float(c))) for c in coefficients]
    worst = max(abs(w * (t - mp.polyval([mp.mpf(c) for c in rounded][::-1], x))) for x, (t, w) in zip(grid, values))
    print(f"{name}: [{low}, {high}], degree {degree}, error {mp.nstr(worst, 3)} = 2^{mp.nstr(mp.log(worst, 2), 4)}")
    for k, c in enumerate(rounded):
        print(f"    c{k} = {c.hex()}f  ({c:.9g})")


def series(function, terms, x, power):
    """(function(x) - its Taylor terms) / x^power, from the series where x is so small that digits would cancel."""
    if abs(x) < mp.mpf(10) ** -6:
        expansion = mp.taylor(function, 0, power + 6)
        return mp.fsum(c * x ** (k - power) for k, c in enumerate(expansion) if k >= power)
    return (function(x) - terms(x)) / x**power


if __name__ == "__main__":
    # expm1(r) = r + r² P(r), |r| ≤ ln 2 / 2 and a little for the rounding of n.
    show("expm1", lambda x: series(mp.expm1, lambda r: r, x, 2), lambda x: x**2 / mp.expm1(x),
         4, "-0.3475", "0.3475")
    # log1p(f) = f - f²/2 + f³ P(f), 1 + f in [2/3, 4/3].
    show("log1p", lambda x: series(mp.log1p, lambda f: f - f**2 / 2, x, 3),
         lambda x: x**3 / mp.log1p(x), 7, "-0.3334", "0.3334")
    # log1p(e) = e + e² P(e), e in [0, 1].
    show("log1p, unit", lambda x: series(mp.log1p, lambda e: e, x, 2), lambda x: x**2 / mp.log1p(x), 7, "1e-9", "1")
    # e / ((1 + e) log1p(e)) = 1 + e P(e), e in [0, 1]: softplus' / softplus at log e.
    slope = lambda e: e / ((1 + e) * mp.log1p(e))
    show("slope of softplus", lambda e: (slope(e) - 1) / e, lambda e: e / slope(e), 6, "1e-6", "1")
    # -2 log(1 - g / 2) = g + g²/4 + g³ P(g), for the radius of a normal.
    radius = lambda g: -2 * mp.log1p(-g / 2)
    show("radius", lambda x: series(radius, lambda g: g + g**2 / 4, x, 3), lambda x: x**3 / radius(x), 5,
         "-0.6668", "0.6668")
    # sin(r) = r + r³ P(r²), cos(r) = 1 - r²/2 + r⁴ P(r²), |r| ≤ π/4; written over s = r².
    sine = lambda s: series(lambda r: mp.sin(r), lambda r: r, mp.sqrt(s), 3)
    cosine = lambda s: series(lambda r: mp.cos(r), lambda r: 1 - r**2 / 2, mp.sqrt(s), 4)
    show("sin", sine, lambda s: s / mp.sinc(mp.sqrt(s)), 2, "1e-9", "0.617")
    show("cos", cosine, lambda s: s**2 / mp.cos(mp.sqrt(s)), 2, "1e-9", "0.617")
    show("cos, for noise", cosine, lambda s: s**2 / mp.cos(mp.sqrt(s)), 1, "1e-9", "0.617")
    # erf(x) = x + x P(x²), |x| ≤ 0.95.
    small = lambda s: mp.erf(mp.sqrt(s)) / mp.sqrt(s) - 1
    show("erf, small", small, lambda s: mp.sqrt(s) / mp.erf(mp.sqrt(s)), 6, "1e-9", "0.87")
    # erf(t) = 1 - exp(-t - t P(t)), 0.9 ≤ t ≤ 4: the error that counts is that of exp(..) beside erf.
    large = lambda t: -mp.log(mp.erfc(t)) / t - 1
    show("erf, large", large, lambda t: t * mp.erfc(t) / mp.erf(t), 6, "0.9", "4.0")
