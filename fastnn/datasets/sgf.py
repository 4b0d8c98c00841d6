"""SGF, the file format of Go games: the main line of each game in a text.

Source: A. Hollosi, "SGF File Format FF[4]", https://www.red-bean.com/sgf/.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from string import ascii_lowercase, ascii_uppercase

BLACK, WHITE, EMPTY = 1, -1, 0
MAX_SIZE = 52  # coordinates are a to z, then A to Z

# One step of the scanner: a parenthesis, a semicolon, or a property with all its values.
_VALUE = r"\[(?:[^\]\\]|\\.)*\]"
_TOKEN = re.compile(rf"\s*(?:([();])|([A-Za-z]+)\s*((?:{_VALUE}\s*)+))", re.DOTALL)
_VALUES = re.compile(_VALUE, re.DOTALL)
_LETTERS = {letter: i for i, letter in enumerate(ascii_lowercase + ascii_uppercase)}
_COLOURS = {"B": BLACK, "W": WHITE, "AB": BLACK, "AW": WHITE, "AE": EMPTY}


@dataclass(frozen=True)
class Game:
    """The main line of a game record.

    Attributes:
        size: rows (and columns) of the board.
        moves: ``(colour, point)`` in order; colour is 1 (black) or -1 (white), a point is
            ``row * size + column`` counted from the upper left corner, None for a pass.
        setup: ``(colour, point)`` of stones on the board before the first move (0: removed).
        properties: the first node's other properties as text, such as ``{"RE": "B+R"}``.
    """

    size: int
    moves: list[tuple[int, int | None]]
    setup: list[tuple[int, int]]
    properties: dict[str, str]


def read_sgf(text: str, size: int | None = None) -> list[Game]:
    """The games of an SGF text, which may hold any number of them one after the other.

    Of variations the first one is followed, which is the game as it was played. A game may begin
    with its ``;``: there are published records whose first parenthesis is missing.

    Args:
        text: SGF.
        size: size of the board for games that do not tell theirs (SZ); None: they are an error.

    Raises:
        ValueError: unbalanced parentheses, text that is not SGF, no size or one out of 2 to 52, a
            move off the board, stones set up after the first move. The message says in which game.

    >>> game = read_sgf("(;SZ[5]RE[B+1];B[cc];W[dc](;B[cd])(;B[dd]))")[0]
    >>> game.size, game.moves, game.properties
    (5, [(1, 12), (-1, 13), (1, 17)], {'RE': 'B+1'})
    """
    games: list[Game] = []
    for nodes in _main_lines(text):
        try:
            games.append(_game(nodes, size))
        except ValueError as error:
            raise ValueError(f"sgf: game {len(games) + 1}: {error}") from None
    return games


def _main_lines(text: str) -> Iterator[list[list[tuple[str, str]]]]:
    """The nodes of each game's main line; a node is a list of (identifier, values in brackets)."""
    depth, following, position, count = 0, False, 0, 0
    nodes: list[list[tuple[str, str]]] = []
    end = len(text.rstrip())
    while position < end:
        token = _TOKEN.match(text, position)
        if token is None:
            raise ValueError(f"sgf: game {count + 1}: {_what_is_wrong(text, position)}")
        position = token.end()
        mark, name, values = token.groups()
        if not depth and mark in ("(", ";"):
            nodes, following, depth = [[]] if mark == ";" else [], True, 1
        elif mark == "(":
            depth += 1
        elif mark == ")":
            depth -= 1
            following = False  # whatever comes next in this game is another variation
            if depth < 0:
                raise ValueError(f"sgf: game {count + 1}: a ')' without its '('")
            if not depth:
                count += 1
                yield nodes
        elif not depth:
            raise ValueError(f"sgf: game {count + 1}: expected '(', got {(mark or name)!r}")
        elif following:
            if mark:
                nodes.append([])
            elif nodes:
                nodes[-1].append((name, values))
            else:
                raise ValueError(f"sgf: game {count + 1}: {name} stands before the first ';'")
    if depth:
        raise ValueError(f"sgf: game {count + 1}: {depth} '(' without ')' at the end")


def _what_is_wrong(text: str, position: int) -> str:
    where = text[position:].lstrip()[:20]
    if re.match(r"[A-Za-z]+\s*\[", where):
        return f"a value without its ']' at {where!r}"
    return f"expected ';', a property or a parenthesis, got {where!r}"


def _game(nodes: list[list[tuple[str, str]]], size: int | None) -> Game:
    if not nodes:
        raise ValueError("it has no node")
    root = {name: _VALUES.findall(values)[0][1:-1] for name, values in nodes[0]}
    size = _size(root.pop("SZ", None), size)
    moves: list[tuple[int, int | None]] = []
    setup: list[tuple[int, int]] = []
    for node in nodes:
        for name, values in node:
            if name in ("B", "W"):
                moves.append((_COLOURS[name], _point(values.strip()[1:-1], size)))
            elif name in ("AB", "AW", "AE"):
                if moves:
                    raise ValueError(f"{name} sets stones up after the first move")
                setup.extend((_COLOURS[name], point) for point in _points(values, size))
    return Game(size, moves, setup, {k: v for k, v in root.items() if k not in _COLOURS})


def _size(text: str | None, default: int | None) -> int:
    if text is None and default is None:
        raise ValueError("it does not tell the board's size (SZ); pass size=19 if you know it")
    size = default if text is None else int(text) if re.fullmatch("[0-9]{1,2}", text.strip()) else 0
    if size is None or not 2 <= size <= MAX_SIZE:
        raise ValueError(f"expected a size from 2 to {MAX_SIZE}, got {text or default!r}")
    return size


def _point(text: str, size: int) -> int | None:
    """A point's number; None for a pass, which is empty or, on boards up to 19, "tt"."""
    text = text.strip()
    if not text or (text == "tt" and size <= 19):
        return None
    column, row = (_LETTERS.get(c, MAX_SIZE) for c in text) if len(text) == 2 else (MAX_SIZE,) * 2
    if column >= size or row >= size:
        raise ValueError(f"[{text[:20]}] is no point of a board of size {size}")
    return row * size + column


def _points(values: str, size: int) -> Iterator[int]:
    """The points of a list of values, of which some may be rectangles such as [aa:cc]."""
    for value in _VALUES.findall(values):
        first, _, last = value[1:-1].partition(":")
        corners = [_point(corner, size) for corner in (first, last or first)]
        if None in corners:
            raise ValueError(f"{value[:20]} is no point")
        (top, left), (bottom, right) = (divmod(corner or 0, size) for corner in corners)
        for row in range(top, bottom + 1):
            yield from (row * size + column for column in range(left, right + 1))
