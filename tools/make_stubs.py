"""Writes fastnn/_core.pyi, the types of the compiled module, from what the module says of itself.

python tools/make_stubs.py          writes the file
python tools/make_stubs.py --check  exits with 1 if the file is not what would be written
"""

import argparse
import re
import sys
from pathlib import Path

from fastnn import _core

HEADER = '''"""Types of the compiled module. Written by tools/make_stubs.py; do not edit."""

from collections.abc import Sequence
from typing import Any

import numpy
from typing_extensions import Self

PRIMITIVES: dict[str, dict[str, Any]]
UNARY: dict[str, tuple[str, str]]
BINARY: dict[str, tuple[str, str]]
BINARY_OPERATIONS: dict[str, str]  # what users call them
REDUCE: dict[str, tuple[str, str]]
__version__: str
'''
OPERAND = """\
# A Tensor, or (tensor, shape, strides, offset): its elements read another way.
Operand = Tensor | tuple[Tensor, Sequence[int], Sequence[int], int]
"""

ATTRIBUTE_TYPES = {
    "integer": "int",
    "real": "float",
    "boolean": "bool",
    "code": "str",
    "axes": "Sequence[int]",
    "integers": "Sequence[int]",
    "dtype": "str",
    "text": "str",
    "reals": "Sequence[float]",
}
# What getters and slots return; everything else is Any.
MEMBER_TYPES = {
    "shape": "tuple[int, ...]",
    "dtype": "str",
    "ndim": "int",
    "size": "int",
    "nbytes": "int",
    "device": "str",
    "requires_grad": "bool",
    "sequence": "int",
    "output_count": "int",
    "released": "bool",
    "needs": "tuple[bool, ...]",
    "__len__": "int",
    "__bool__": "bool",
    "__int__": "int",
    "__float__": "float",
    "__index__": "int",
    "__hash__": "int",
    "__repr__": "str",
    "numpy": "numpy.ndarray",
}
NO_ARGUMENTS = {"numpy", "item", "detach", "release", "__dlpack_device__"}


def primitive(name: str, record: dict) -> str:
    """The signature of one primitive."""
    parameters, results = [], []
    for operand, role, optional, many, strided in record["operands"]:
        kind = "Sequence[Tensor]" if many else "Operand" if strided else "Tensor"
        if role in ("in", "inout"):
            parameters.append(f"{operand}: {kind}{' | None' if optional else ''}")
        elif role == "out":
            results.append("list[Tensor]" if many else f"Tensor{' | None' if optional else ''}")
    for attribute, kind, _, _ in record["attributes"]:
        parameters.append(f"{attribute}: {ATTRIBUTE_TYPES[kind]} = ...")
    result = ", ".join(results) if len(results) < 2 else f"tuple[{', '.join(results)}]"
    body = ",\n    ".join([*parameters, "/"]) if parameters else ""
    return f"def {name}(\n    {body},\n) -> {result or 'None'}: ..."


def member(name: str, value: object) -> str:
    """One attribute or method of a type."""
    returns = MEMBER_TYPES.get(name, "Any")
    if type(value).__name__ in ("getset_descriptor", "member_descriptor"):
        return f"    {name}: {returns}"
    if name in NO_ARGUMENTS or (name in MEMBER_TYPES and name.startswith("__")):
        return f"    def {name}(self) -> {returns}: ..."
    return f"    def {name}(self, *args: Any, **kwargs: Any) -> {returns}: ..."


def compiled_type(cls: type) -> str:
    """A class of the module: what it defines itself in C."""
    descriptors = ("getset_descriptor", "method_descriptor", "wrapper_descriptor")
    lines = [f"class {cls.__name__}:"]
    for name, value in sorted(vars(cls).items()):
        if type(value).__name__ in descriptors and name not in ("__weakref__", "__eq__", "__ne__"):
            lines.append(member(name, value))
    if cls.__name__ == "Tensor":
        lines.insert(1, "    def __new__(cls, data: Any) -> Self: ...")
        # fastnn/tensor.py gives the type its methods that are written in Python.
        lines.append("    def __getattr__(self, name: str) -> Any: ...")
        lines.append("    def __eq__(self, other: Any) -> Any: ...  # type: ignore[override]")
        lines.append("    def __ne__(self, other: Any) -> Any: ...  # type: ignore[override]")
    return "\n".join(lines)


PLAIN = "None|bool|int|float|str|dict|list|object|Plan|Trace"


def signature(name: str, value: object) -> str:
    """A function or method: pybind11 writes its signature into the docstring."""
    first = (value.__doc__ or "").split("\n")[0].replace("fastnn._core.", "")
    first = first.replace("typing.SupportsInt | typing.SupportsIndex", "int")
    first = re.sub(r"\(self: \w+", "(self", first)
    if re.fullmatch(rf"{name}\((self|\w+: .*)?(, .*)?\) -> ({PLAIN})", first):
        return f"def {first}: ...".replace("'", '"')
    return f"def {name}({'self, ' if '(self' in first else ''}*args: Any) -> Any: ..."


def bound_type(cls: type) -> str:
    """A class that pybind11 made."""
    methods = [
        name for name, value in vars(cls).items() if type(value).__name__ == "instancemethod"
    ]
    lines = [signature(name, getattr(cls, name)) for name in sorted(methods)]
    return "\n".join([f"class {cls.__name__}:", *(f"    {line}" for line in lines or ["..."])])


def stubs() -> str:
    """The whole file."""
    names = [n for n in sorted(vars(_core)) if not n.startswith("__")]
    functions = [n for n in names if callable(getattr(_core, n)) and n not in _core.PRIMITIVES]
    parts = [HEADER]
    for name in [n for n in functions if isinstance(getattr(_core, n), type)]:
        cls = getattr(_core, name)
        parts += [compiled_type(cls) if name in ("Tensor", "Node") else bound_type(cls), ""]
        functions.remove(name)
    parts += [OPERAND]
    parts += [signature(n, getattr(_core, n)) for n in functions]
    parts += [primitive(n, record) for n, record in sorted(_core.PRIMITIVES.items())]
    return "\n".join(parts) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--output", type=Path, default=Path("fastnn/_core.pyi"))
    options = parser.parse_args()
    if options.check:
        return int(options.output.read_text() != stubs())
    options.output.write_text(stubs())
    return 0


if __name__ == "__main__":
    sys.exit(main())
