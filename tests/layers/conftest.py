"""What tests of layers share."""

import pytest

import fastnn as fn


@pytest.fixture
def seeded():
    fn.utils.set_random_seed(0)
