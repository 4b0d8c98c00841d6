"""Where channels lie, masks that are joined, and symbolic values in the rest of fn.ops."""

import numpy as np
import pytest

import fastnn as fn


@pytest.fixture
def channels_first():
    fn.config.set_image_data_format("channels_first")
    yield
    fn.config.set_image_data_format("channels_last")


@pytest.mark.usefixtures("channels_first")
def test_rescaling_by_channel():
    x = np.ones((1, 3, 2, 3), np.float32)
    y = fn.layers.Rescaling([1.0, 2.0, 3.0], [0.0, 1.0, 0.0])(x).numpy()
    np.testing.assert_array_equal(y[0, :, 0, 0], [1, 3, 3])
    np.testing.assert_array_equal(y, np.broadcast_to(y[:, :, :1, :1], x.shape))


@pytest.mark.usefixtures("channels_first")
def test_sequences_have_their_channels_last():
    x = np.arange(1, 13, dtype=np.float32).reshape(1, 3, 4)
    assert fn.layers.UpSampling1D(2)(x).shape == (1, 6, 4)
    assert fn.layers.Cropping1D(1)(x).shape == (1, 1, 4)
    wide = np.ones((1, 3, 40), np.float32)
    dropped = fn.layers.SpatialDropout1D(0.5, seed=0)(wide, training=True).numpy()[0] == 0
    assert (dropped.all(0) | ~dropped.any(0)).all()
    assert 0 < dropped[0].sum() < 40


@pytest.mark.usefixtures("channels_first")
def test_folders_of_pictures(tmp_path):
    image = pytest.importorskip("PIL.Image")
    for name, gray in (("a", 10), ("b", 200)):
        (tmp_path / name).mkdir()
        pixels = np.full((9, 7, 3), gray, np.uint8)
        pixels[..., 2] = 0
        image.fromarray(pixels).save(tmp_path / name / "0.png")
    for size in ((4, 6), (9, 7)):
        options = {"image_size": size, "shuffle": False, "verbose": False}
        first, _ = next(iter(fn.utils.image_dataset_from_directory(tmp_path, **options)))
        assert first.shape == (2, 3, *size)
        np.testing.assert_allclose(first[:, :, 0, 0], [[10, 10, 0], [200, 200, 0]], rtol=1e-6)
        options["data_format"] = "channels_last"
        last, _ = next(iter(fn.utils.image_dataset_from_directory(tmp_path, **options)))
        np.testing.assert_array_equal(np.moveaxis(last, -1, 1), first)


def test_joined_masks_keep_what_one_of_them_keeps():
    embed = fn.layers.Embedding(6, 2, mask_zero=True)
    a, b = (embed(np.array([row])) for row in ([1, 2, 0, 0], [1, 0, 0, 4]))
    joined = fn.layers.Concatenate()([a, b])
    assert joined._mask.tolist() == [[True, True, False, True]]
    free = fn.tensor(np.ones((1, 4, 2), np.float32))
    assert fn.layers.Concatenate()([a, free])._mask.tolist() == [[True] * 4]


def test_images_and_matrices_are_symbolic_too(tmp_path):
    x = fn.Input((6, 6, 3))
    small = fn.ops.image.resize(x, (3, 3))
    gray = fn.ops.image.rgb_to_grayscale(small)
    assert (small.shape, gray.shape) == ((None, 3, 3, 3), (None, 3, 3, 1))
    model = fn.Model(x, gray)
    data = np.random.default_rng(0).random((2, 6, 6, 3), np.float32)
    expected = fn.ops.image.rgb_to_grayscale(fn.ops.image.resize(data, (3, 3)))
    np.testing.assert_array_equal(model(data), expected)
    model.save(tmp_path / "m")
    np.testing.assert_array_equal(fn.models.load_model(tmp_path / "m")(data), expected)

    m = fn.Input(batch_shape=(2, 4, 4))
    solved = fn.Model(m, fn.ops.matmul(fn.ops.inv(m), fn.ops.cholesky(fn.ops.inv(m))))
    data = np.broadcast_to(np.eye(4, dtype=np.float32) * 4, (2, 4, 4))
    np.testing.assert_allclose(solved(data), np.linalg.inv(data) / 2, rtol=1e-6)
    with pytest.raises(ValueError, match="singular"):
        fn.Model(m, fn.ops.inv(m))(np.ones((2, 4, 4), np.float32))
