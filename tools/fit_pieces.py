"""Prints csrc/simd/pieces_tables.h: the polynomials of the functions that are cut in eight pieces.

`python tools/fit_pieces.py > csrc/simd/pieces_tables.h`, then clang-format. A fit is minimax in
relative error (Lawson's algorithm of weighted least squares, in float64), one coefficient after the
other: each is rounded to float32 before the next ones are fitted, so that they make good what its
rounding took. A piece is centred where the function's value is next to a float32 number: where the
coefficient that is added last has no rounding error to speak of.
"""

import numpy as np
from scipy import special

HEADER = """\
// Made by tools/fit_pieces.py: do not edit.
#pragma once

namespace fastnn {
namespace {
"""


def fit(function, size, low, high, centre, constant, degree):
    """Coefficients of a polynomial in x - centre, and their error in float32 roundings."""
    nodes = (low + high) / 2 - (high - low) / 2 * np.cos(np.pi * (np.arange(400) + 0.5) / 400)
    reach = max(abs(low - centre), abs(high - centre))
    u, target, weight = (nodes - centre) / reach, function(nodes), 1 / size(nodes)
    known = [float(np.float32(constant))]
    while len(known) <= degree:
        rest = target - sum(c * (u * reach) ** k for k, c in enumerate(known))
        basis = u[:, None] ** np.arange(len(known), degree + 1)
        lawson = np.full(len(nodes), 1 / len(nodes))
        for _ in range(200):
            scale = np.sqrt(lawson) * weight
            free = np.linalg.lstsq(basis * scale[:, None], rest * scale, rcond=None)[0]
            error = abs(basis @ free - rest) * weight
            lawson *= error + 1e-30
            lawson /= lawson.sum()
        known.append(float(np.float32(free[0] / reach ** len(known))))
    x = np.linspace(low, high, 4001)[1:]
    off = sum(c * (x - centre) ** k for k, c in enumerate(known)) - function(x)
    return known, np.max(abs(off) / size(x)) * 2**24


def near_float(function, near):
    """The multiple of 2^-10 within 0.02 of `near` whose value is closest to a float32 number."""
    x = np.arange(round((near - 0.02) * 1024), round((near + 0.02) * 1024) + 1) / 1024
    value = function(x)
    return x[np.argmin(abs(value.astype(np.float32) - value) / abs(value))]


def number(value):
    text = f"{np.float32(value):.9g}"
    return text + ("f" if "." in text or "e" in text else ".0f")


def table(name, text, function, edges, degree, *, first=None, size=None, right=False, slot=0):
    """Prints the pieces between `edges`; the first is centred at 0, the others in their middle, or
    at their right end, where a decreasing function's terms have one sign.

    first: what the first piece holds instead of the function.
    size: what the error is relative to; the function.
    slot: where in the table the first piece stands.
    """
    size = size or (lambda x: abs(function(x)))
    columns, worst = [], []
    for piece in range(8):
        low, high = edges[piece], edges[piece + 1]
        centre, constant = 0.0, float(function(np.array(0.0)))
        if piece > 0:
            centre = near_float(function, high - 0.02 if right else (low + high) / 2)
            constant = function(centre)
        held = first if piece == 0 and first else function
        known, error = fit(held, size, max(low, 1e-9), high, centre, constant, degree)
        columns.append([centre, *known])
        worst.append(error)
    columns = columns[8 - slot :] + columns[: 8 - slot]
    print(f"\n// {text}\n// Roundings: {' '.join(f'{e:.2f}' for e in worst)}.")
    print(f"alignas(32) constexpr Pieces<{degree + 1}> {name} = {{")
    rows = ["{" + ", ".join(map(number, row)) + "}" for row in zip(*columns, strict=True)]
    print(f"    {rows[0]},\n    {{{', '.join(rows[1:])}}}}};")


def upper_tail(x):
    return 0.5 * special.erfc(x / np.sqrt(2))


def density(x):
    return np.exp(-x * x / 2) / np.sqrt(2 * np.pi)


def main():
    print(HEADER, end="")
    odd = np.arange(8) + 0.5
    # Where x (0.537 + 0.15 x) is j + 1/2.
    tail = np.array([0, *(np.sqrt(0.537**2 + 4 * 0.15 * odd) - 0.537) / (2 * 0.15)])
    table(
        "kTailPieces",
        "x P(-x), P the normal distribution function, 0 <= x <= 5.5.",
        lambda x: x * upper_tail(x),
        tail,
        8,
        right=True,
    )
    table(
        "kTailSlopePieces",
        "P(-x) - x P'(x), 0 <= x <= 5.5; relative to P(-x) + x P'(x).",
        lambda x: upper_tail(x) - x * density(x),
        tail,
        8,
        right=True,
        size=lambda x: upper_tail(x) + x * density(x),
    )
    table(
        "kTanhPieces",
        "tanh(x), 0 <= x < 9.15; the first piece is slot 6.",
        np.tanh,
        0.61 * (np.array([1, 1.5, 2, 3, 4, 6, 8, 12, 16]) - 1),
        7,
        slot=6,
    )
    table(
        "kErfPieces",
        "erf(x), 0 <= x <= 3.93; the first piece is erf(x) - x.",
        special.erf,
        np.array([0, *odd / 1.9]),
        6,
        first=lambda x: special.erf(x) - x,
    )
    print("\n}  // namespace\n}  // namespace fastnn")


if __name__ == "__main__":
    main()
