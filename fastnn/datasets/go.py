"""Go: game records, the board they are replayed on, positions and the move that followed.

Points are numbered ``row * size + column`` from the upper left corner; black is 1, white is -1.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from fastnn.datasets.fetch import RemoteFile, find, local_folders
from fastnn.datasets.go_board import Board, IllegalMove
from fastnn.datasets.idx import Split
from fastnn.datasets.sgf import BLACK, EMPTY, WHITE, Game, read_sgf

__all__ = [
    "BLACK",
    "EMPTY",
    "WHITE",
    "Board",
    "Game",
    "IllegalMove",
    "load_data",
    "load_games",
    "positions",
    "read_sgf",
    "replay",
    "to_planes",
]

FILES = (RemoteFile("even_games.sgf"),)


def load_games(path: str | Path | None = None, size: int | None = None) -> list[Game]:
    """Reads a file of games.

    Args:
        path: an SGF file, gzipped or not, with any number of games; None: ``go/even_games.sgf.gz``
            in the folder that FASTNN_DATA names, or in the cache folder. Nobody offers that file
            for download: any collection of 19x19 games under its name will do.
        size: as in `read_sgf`.

    Raises:
        FileNotFoundError: there is no such file; the message says where it may be put.
        ValueError: it is damaged, or not SGF.
    """
    found = find("go", FILES[0]) if path is None else Path(path)
    if found is None:
        folders = " or ".join(str(folder) for folder in local_folders("go"))
        raise FileNotFoundError(
            f"go: {FILES[0].name}.gz is not here. Put game records (SGF) under that name into "
            f"{folders}"
        )
    try:
        text = FILES[0].content(found.read_bytes()).decode("utf-8", "replace")
        return read_sgf(text, size)
    except ValueError as error:
        raise ValueError(f"go: {found}: {error}") from error


def replay(game: Game) -> Iterator[tuple[Board, int, int | None]]:
    """The board before each move, and the move: ``(board, colour, point)``.

    The board is one object, which changes as the game goes on.

    Raises:
        IllegalMove: the game has a move that the rules forbid; the message tells its number.

    >>> game = read_sgf("(;SZ[3];B[ba];W[aa];B[ab])")[0]
    >>> for board, colour, point in replay(game):
    ...     pass
    >>> board.array().tolist()          # white's corner stone was captured
    [[0, 1, 0], [1, 0, 0], [0, 0, 0]]
    """
    board = Board(game.size)
    for stone, place in game.setup:
        board.put(stone, place)
    for number, (colour, point) in enumerate(game.moves, 1):
        yield board, colour, point
        try:
            board.play(colour, point)
        except IllegalMove as error:
            raise IllegalMove(f"go: move {number}: {error}") from None


def to_planes(boards: np.ndarray) -> np.ndarray:
    """Three planes of zeros and ones: stones of the player to move, of the opponent, empty points.

    Args:
        boards: ``(n, size, size, 1)``, 1 (mine), -1 (theirs) and 0.

    Returns:
        int8 of shape ``(n, size, size, 3)``.
    """
    return np.concatenate([boards == 1, boards == -1, boards == 0], axis=-1).astype(np.int8)


def positions(
    games: Sequence[Game], count: int | None = None, seed: int = 0, planes: bool = False
) -> Split:
    """Boards as the player to move sees them, and the move that was played.

    Passes are left out. A game that breaks a rule is followed until that move.

    Args:
        games: games on boards of one size.
        count: so many (fewer only if the games have not as many), drawn at random over all games,
            in the games' order; None: all.
        seed: of the draw.
        planes: three planes instead of one, see `to_planes`.

    Returns:
        ``(x, y)``: int8 of shape ``(n, size, size, 1)``, 1 for the stones of the player to move, -1
        for the opponent's, 0; and int64 of shape ``(n,)``, the point played.

    Raises:
        ValueError: no games, boards of several sizes, a count below 1 or above all moves.

    >>> x, y = positions(read_sgf("(;SZ[2];B[aa];W[bb])"))
    >>> x[..., 0].tolist(), y.tolist()
    ([[[0, 0], [0, 0]], [[-1, 0], [0, 0]]], [0, 3])
    """
    sizes = {game.size for game in games}
    if len(sizes) != 1:
        raise ValueError(f"positions: expected games on boards of one size, got sizes {sizes}")
    total = sum(len(game.moves) for game in games)
    if count is None:
        count = total
    if not 0 < count <= total:
        raise ValueError(f"positions: count must be from 1 to the {total} moves, got {count}")
    # Some more are looked at than wanted, in place of passes and of what follows illegal moves.
    turn = np.random.default_rng(seed).permutation(total)
    wanted = turn < count + count // 20 + 400
    taken: list[tuple[bytes, int, int, int]] = []
    first = 0
    for game in games:
        last = first + len(game.moves)
        keep = zip(wanted[first:last].tolist(), turn[first:last].tolist())
        first, kept = last, False
        try:
            for (board, colour, point), (kept, when) in zip(replay(game), keep):
                if kept and point is not None:
                    taken.append((board.stones.tobytes(), colour, point, when))
        except IllegalMove:  # of the move that came last
            del taken[len(taken) - kept :]
    drawn = sorted(range(len(taken)), key=lambda i: taken[i][3])[:count]
    taken = [taken[i] for i in sorted(drawn)]
    size = sizes.pop()
    x = np.frombuffer(b"".join(board for board, *_ in taken), np.int8)
    x = x.reshape(len(taken), size, size, 1)
    x = x * np.array([colour for _, colour, *_ in taken], np.int8).reshape(-1, 1, 1, 1)
    y = np.array([point for *_, point, _ in taken], np.int64)
    return (to_planes(x) if planes else x), y


def load_data(
    train: int | None = 50_000,
    test: int | None = 10_000,
    test_games: int = 300,
    seed: int = 0,
    planes: bool = False,
) -> tuple[Split, Split]:
    """Positions and next moves, of some games to train on and of other games to test on.

    Games that begin with the same 60 moves are one game recorded twice, of which one is used.

    Args:
        train: positions to train on, None for all.
        test: positions to test on, None for all.
        test_games: games kept for testing, drawn at random by `seed`.
        seed: of the split and of the draws.
        planes: as in `positions`.

    Returns:
        ``((x_train, y_train), (x_test, y_test))``, as of `positions`.

    Raises:
        FileNotFoundError, ValueError: as `load_games` and `positions`.
    """
    games = list({tuple(game.moves[:60]): game for game in load_games()}.values())
    if not 0 < test_games < len(games):
        raise ValueError(f"go: test_games must be from 1 to {len(games) - 1}, got {test_games}")
    order = np.random.default_rng(seed).permutation(len(games)).tolist()
    held_out, others = order[:test_games], order[test_games:]
    return (
        positions([games[i] for i in others], train, seed, planes),
        positions([games[i] for i in held_out], test, seed, planes),
    )
