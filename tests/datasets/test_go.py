"""Go: SGF texts, the rules on handmade boards, positions, and every game that is here."""

import gzip

import numpy as np
import pytest

from fastnn.datasets import fetch, go
from fastnn.datasets.go import BLACK, WHITE, Board, IllegalMove, read_sgf


def board_of(*rows):
    """A board from a drawing: X black, O white."""
    board = Board(len(rows))
    for point, mark in enumerate("".join(rows)):
        board.put({"X": BLACK, "O": WHITE, ".": 0}[mark], point)
    return board


def drawing(board):
    return ["".join(".XO"[stone] for stone in row) for row in board.array()]


def rules_of_a_textbook(stones, colour, point):
    """The board after a move, every group of the whole board looked at anew; None if illegal."""
    stones = stones.copy()
    if stones[point]:
        return None
    stones[point] = colour
    for side in (-colour, colour):
        for group, liberties in groups(stones, side):
            if not liberties:
                for member in group:
                    if side == colour:
                        return None
                    stones[member] = 0
    return stones


def groups(stones, colour):
    left = {tuple(p) for p in np.argwhere(stones == colour)}
    while left:
        group, edge, liberties = set(), [left.pop()], set()
        while edge:
            row, column = edge.pop()
            group.add((row, column))
            for place in (row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1):
                if min(place) < 0 or max(place) >= len(stones):
                    continue
                if place in left:
                    left.discard(place)
                    edge.append(place)
                elif not stones[place]:
                    liberties.add(place)
        yield group, liberties


# The rules.


def test_a_surrounded_stone_is_taken():
    board = board_of(".X..", "XO..", ".X..", "....")
    assert board.play(BLACK, 6) == [5]
    assert drawing(board) == [".X..", "X.X.", ".X..", "...."]


def test_one_move_takes_several_groups_of_several_stones():
    board = board_of(
        "OO.OX",
        "XXOOX",
        "..XXX",
        ".....",
        ".....",
    )
    assert sorted(board.play(BLACK, 2)) == [0, 1, 3, 7, 8]
    assert drawing(board)[:2] == ["..X.X", "XX..X"]


def test_a_stone_without_liberties_that_takes_is_no_suicide():
    board = board_of(".XO", "XO.", "O..")
    board.play(WHITE, 0)
    assert drawing(board) == ["O.O", ".O.", "O.."]


@pytest.mark.parametrize(
    "rows, colour, point",
    [
        ((".X.", "X..", "..."), WHITE, 0),
        (("O.X", "OXX", "X.."), WHITE, 1),  # the whole group, not the stone alone
    ],
)
def test_suicide_is_illegal_and_leaves_the_board_alone(rows, colour, point):
    board = board_of(*rows)
    with pytest.raises(IllegalMove, match="suicide"):
        board.play(colour, point)
    assert drawing(board) == list(rows)


def test_a_point_with_a_stone_is_illegal():
    with pytest.raises(IllegalMove, match="row 0, column 1 has a stone"):
        board_of(".X", "..").play(WHITE, 1)


def ko():
    board = board_of(".XO.", "X.XO", ".XO.", "....")
    assert board.play(WHITE, 5) == [6]
    return board


def test_a_ko_is_not_taken_back_at_once():
    board = ko()
    with pytest.raises(IllegalMove, match="ko"):
        board.play(BLACK, 6)
    assert drawing(board)[1] == "XO.O"


@pytest.mark.parametrize("between", [((BLACK, 15), (WHITE, 12)), ((BLACK, None), (WHITE, None))])
def test_a_ko_is_taken_back_after_another_move_or_a_pass(between):
    board = ko()
    for colour, point in between:
        board.play(colour, point)
    assert board.play(BLACK, 6) == [5]


def test_a_ko_may_be_filled():
    board = ko()
    board.play(WHITE, 6)
    assert drawing(board)[1] == "XOOO"


def test_it_is_no_ko_if_the_stone_that_takes_is_part_of_a_group():
    board = board_of(".XO.", "XO.X", ".XO.", "....")
    assert board.play(BLACK, 6) == [5]
    with pytest.raises(IllegalMove, match="suicide"):
        board.play(WHITE, 5)


def test_what_is_no_colour_or_no_point():
    for colour, point in ((0, 0), (2, 0), (BLACK, -1), (BLACK, 4)):
        with pytest.raises(ValueError, match="play"):
            Board(2).play(colour, point)
    with pytest.raises(ValueError, match="size"):
        Board(1)


def test_random_games_follow_the_textbook():
    random = np.random.default_rng(0)
    captured = illegal = 0
    for size in (2, 3, 5, 7):
        board, colour = Board(size), BLACK
        for point in random.integers(size * size, size=1000).tolist():
            before = board.array()
            after = rules_of_a_textbook(before, colour, divmod(point, size))
            if board.ko == (colour, point):
                continue
            if after is None:
                illegal += 1
                with pytest.raises(IllegalMove):
                    board.play(colour, point)
                assert np.array_equal(board.array(), before)
                continue
            captured += len(board.play(colour, point))
            assert np.array_equal(board.array(), after)
            colour = -colour
    assert captured > 50 and illegal > 100


# SGF.


def test_letters_are_columns_then_rows():
    (game,) = read_sgf("(;SZ[19];B[ba];W[as];B[];W[tt])")
    assert game.moves == [(BLACK, 1), (WHITE, 18 * 19), (BLACK, None), (WHITE, None)]


def test_a_large_board_has_capital_letters():
    (game,) = read_sgf("(;SZ[52];B[aZ];W[tt])")
    assert game.moves == [(BLACK, 51 * 52), (WHITE, 19 * 52 + 19)]


def test_text_may_hold_what_looks_like_syntax():
    (game,) = read_sgf(r"(;SZ[5]C[a (bracket \] and ; and ) B[aa\]];B[bb]C[\\])")
    assert game.moves == [(BLACK, 6)]
    assert game.properties == {"C": r"a (bracket \] and ; and ) B[aa\]"}


def test_the_first_variation_is_followed():
    (game,) = read_sgf("(;SZ[5];B[aa](;W[bb](;B[cc];W[dd])(;B[ee]))(;W[ee]))")
    assert [point for _, point in game.moves] == [0, 6, 12, 18]


def test_games_follow_each_other_and_one_may_lack_its_parenthesis():
    games = read_sgf("\n(;SZ[5];B[aa])\n;SZ[7]\n;B[aa];W[bb])\n(;SZ[9])  ")
    assert [(g.size, len(g.moves)) for g in games] == [(5, 1), (7, 2), (9, 0)]
    assert read_sgf(" \n") == []


def test_handicap_stones_and_rectangles():
    (game,) = read_sgf("(;SZ[5]AB[aa][bb:cd]AW[ee]AE[aa];W[ab])")
    board, _, _ = next(go.replay(game))
    assert drawing(board) == [".....", ".XX..", ".XX..", ".XX..", "....O"]


@pytest.mark.parametrize(
    "text, message",
    [
        ("(;SZ[19];B[aa]", r"game 1: 1 '\(' without '\)'"),
        ("(;SZ[19];B[aa](;W[bb])", r"1 '\(' without"),
        ("(;SZ[19]))", r"game 2: a '\)' without"),
        ("(;SZ[19];B[aa", "a value without its ']'"),
        ("(;SZ[19];B[aa\\]", "a value without its ']'"),
        ("hello", "expected ';'"),
        ("SZ[19]", r"expected '\(', got 'SZ'"),
        ("(SZ[19];B[aa])", "SZ stands before the first ';'"),
        ("()", "no node"),
        ("(;B[aa])", "size=19"),
        ("(;SZ[1])", "size from 2 to 52"),
        ("(;SZ[19:17])", "size from 2 to 52"),
        ("(;SZ[-9])", "size from 2 to 52"),
        ("(;SZ[999999999999])", "size from 2 to 52"),
        ("(;SZ[])", "size from 2 to 52"),
        ("(;SZ[9])(;SZ[9];B[ja])", r"game 2: \[ja\] is no point of a board of size 9"),
        ("(;SZ[9];B[aj])", r"\[aj\] is no point"),
        ("(;SZ[9];B[a])", r"\[a\] is no point"),
        ("(;SZ[9];B[a1])", r"\[a1\] is no point"),
        ("(;SZ[9];B[aaa])", r"\[aaa\] is no point"),
        ("(;SZ[9]AB[])", "is no point"),
        ("(;SZ[9]AB[aa:zz])", "is no point"),
        ("(;SZ[9];B[aa]AW[bb])", "after the first move"),
        ("(;SZ[9];B[aa] junk ;W[bb])", "got 'junk"),
    ],
)
def test_hostile_text_is_a_clear_error(text, message):
    with pytest.raises(ValueError, match=message):
        read_sgf(text)


def test_deep_nesting_is_no_trouble():
    deep = 20_000
    (game,) = read_sgf("(;SZ[9]" + "(;B[aa]" * deep + ")" * deep + ")")
    assert len(game.moves) == deep


def test_a_size_may_be_given_for_games_without():
    assert [g.size for g in read_sgf("(;B[aa])(;SZ[5];B[aa])", size=9)] == [9, 5]


def test_replay_names_the_illegal_move():
    (game,) = read_sgf("(;SZ[3];B[aa];W[bb];B[bb])")
    with pytest.raises(IllegalMove, match="move 3: row 1, column 1 has a stone"):
        list(go.replay(game))


# Positions.

GAMES = "(;SZ[3];B[ba];W[aa];B[ab];W[])(;SZ[3];B[cc];W[bb];W[bb];B[aa])"


def test_positions_are_seen_by_the_player_to_move():
    x, y = go.positions(read_sgf(GAMES))
    assert x.dtype == np.int8 and x.shape == (5, 3, 3, 1) and y.tolist() == [1, 0, 3, 8, 4]
    assert x[1, :, :, 0].tolist() == [[0, -1, 0], [0, 0, 0], [0, 0, 0]]
    assert x[2, :, :, 0].tolist() == [[-1, 1, 0], [0, 0, 0], [0, 0, 0]]
    assert not x[3].any()


def test_planes_are_mine_theirs_empty():
    x, _ = go.positions(read_sgf(GAMES), planes=True)
    assert x.shape == (5, 3, 3, 3) and (x.sum(-1) == 1).all()
    assert x[2, 0].tolist() == [[0, 1, 0], [1, 0, 0], [0, 0, 1]]


def test_a_draw_is_exact_repeatable_and_without_passes():
    x, y = go.positions(read_sgf(GAMES), 4, seed=1)
    assert len(x) == len(y) == 4
    again = go.positions(read_sgf(GAMES), 4, seed=1)
    assert np.array_equal(again[0], x) and np.array_equal(again[1], y)
    draws = {tuple(go.positions(read_sgf(GAMES), 2, seed=seed)[1]) for seed in range(20)}
    assert len(draws) > 3


def test_what_positions_refuses():
    for games, count in (([], None), (read_sgf("(;SZ[3])(;SZ[5])"), None)):
        with pytest.raises(ValueError, match="one size"):
            go.positions(games, count)
    for count in (0, -1, 9):
        with pytest.raises(ValueError, match="count"):
            go.positions(read_sgf(GAMES), count)


# Files.


def test_load_games_from_files(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("FASTNN_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"even_games\.sgf\.gz is not here.*go"):
        go.load_data()
    (tmp_path / "go").mkdir()
    (tmp_path / "go" / "even_games.sgf.gz").write_bytes(gzip.compress(GAMES.encode()))
    assert len(go.load_games()) == 2
    (train, _), (test, _) = go.load_data(2, None, test_games=1)
    assert len(train) == 2 and len(test) in (2, 3)
    plain = tmp_path / "plain.sgf"
    plain.write_text(GAMES)
    assert go.load_games(plain) == go.load_games()
    plain.write_text("(;SZ[3]")
    with pytest.raises(ValueError, match=r"plain\.sgf: sgf: game 1"):
        go.load_games(plain)


@pytest.fixture(scope="module")
def games():
    if fetch.find("go", go.FILES[0]) is None:
        pytest.skip("the Go games are not here: set FASTNN_DATA to a folder with go/")
    return go.load_games()


def test_every_game_is_replayed(games):
    """All of them are legal to the end but one, in which white takes a ko back at once."""
    assert len(games) == 3652 and sum(len(game.moves) for game in games) == 729_075
    illegal = {}
    for number, game in enumerate(games, 1):
        try:
            for _ in go.replay(game):
                pass
        except IllegalMove as error:
            illegal[number] = str(error)
    assert illegal == {3546: "go: move 282: row 18, column 17 takes a ko back at once"}


def test_some_games_follow_the_textbook(games):
    for game in games[::600]:
        expected = np.zeros((19, 19), int)
        for board, colour, point in go.replay(game):
            assert np.array_equal(board.array(), expected)
            expected = rules_of_a_textbook(expected, colour, divmod(point, 19))


def test_train_and_test_have_different_games(games, monkeypatch):
    monkeypatch.setattr(go, "load_games", lambda: games[:400])
    (x, y), (x_test, _) = go.load_data(3000, 1000, test_games=100)
    assert x.shape == (3000, 19, 19, 1) and x_test.shape == (1000, 19, 19, 1)
    assert y.min() >= 0 and y.max() <= 360
    # Moves are played on empty points; no board late in a game is on both sides.
    assert (np.take_along_axis(x.reshape(-1, 361), y[:, None], 1) == 0).all()
    late = (x_test != 0).sum(axis=(1, 2, 3)) > 60
    seen = {board.tobytes() for board in x}
    assert late.sum() > 300 and not any(board.tobytes() in seen for board in x_test[late])
