"""The worked images of lecture III, digit by digit."""

import numpy as np

from fastnn.recipes import convolution


def test_the_slides_numbers():
    here = convolution.worked()
    assert {name: here[name] for name in convolution.COURSE} == convolution.COURSE
    assert here["flattened, channels last"] == "3 -1 0 1 3 0 1 3"


def test_a_colour_image_of_equal_channels_gives_three_times_each_map():
    here = convolution.worked()
    for i in (1, 2):
        gray, colour = (
            [float(v) for v in here[f"filter {i}, {kind}"].replace("/", "").split()]
            for kind in ("stride 1", "colour image")
        )
        assert len(gray) == 16 and colour == [3 * v for v in gray]


def test_numbers_that_are_not_whole_are_not_hidden():
    assert convolution.as_text([[0.5, -0.0]]) == "0.5 0"


def test_equivalences_hold():
    assert len(convolution.equivalences()) == 4 and all(convolution.equivalences().values())


def test_each_equivalence_can_fail():
    wrong = convolution.wired()
    wrong[0, 0] += 1
    maps = convolution.connected(convolution.wired()).numpy()
    assert not np.array_equal(convolution.connected(wrong).numpy(), maps)
    assert not np.array_equal(convolution.maxout(wrong), convolution.maxout(convolution.wired()))


def test_parameters_are_those_of_the_slides():
    assert list(convolution.parameters().values()) == [1152, 18, 30_000_000, 27_000]


def test_it_prints_the_course_beside_its_own(capsys):
    figures = convolution.run(quick=True)
    printed = capsys.readouterr().out
    assert all(text in printed for text in (*convolution.COURSE.values(), "30,000,000"))
    assert set(figures) == {"worked", "equivalences", "parameters"}
