"""Fashion-MNIST: pictures of clothes, 28x28."""

from fastnn.datasets.fetch import RemoteFile
from fastnn.datasets.idx import Split, load_splits

MIRRORS = (
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
    "https://storage.googleapis.com/tensorflow/tf-keras-datasets",
)
FILES = (
    RemoteFile("train-images-idx3-ubyte", md5="8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
    RemoteFile("train-labels-idx1-ubyte", md5="25c81989df183df01b3e8a0aad5dffbe"),
    RemoteFile("t10k-images-idx3-ubyte", md5="bef4ecab320f06d8554ea6380940ec79"),
    RemoteFile("t10k-labels-idx1-ubyte", md5="bb300cfdad3c16e7a12a480ee83cd310"),
)


def load_data() -> tuple[Split, Split]:
    """Loads Fashion-MNIST from FASTNN_DATA, the cache folder or a mirror, and checks it.

    Returns:
        ``((x_train, y_train), (x_test, y_test))``: uint8 arrays of shapes (60000, 28, 28),
        (60000,), (10000, 28, 28), (10000,). Classes: T-shirt, trouser, pullover, dress, coat,
        sandal, shirt, sneaker, bag, ankle boot.

    Raises:
        ValueError: a local file is damaged.
        OSError: not here, and no mirror gave it.
        ImportError: not here, and pooch (extra ``data``) is not installed.

    Source: H. Xiao, K. Rasul, R. Vollgraf, "Fashion-MNIST", arXiv:1708.07747 (2017).
    """
    return load_splits("fashion_mnist", FILES, MIRRORS)
