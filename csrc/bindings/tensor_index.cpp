// x[key] for integers and slices: a view where the elements lie side by side, else one copy. Other
// keys (None, Ellipsis, arrays, masks) go to a Python hook, which comes back for their slices.

#include <algorithm>

#include "bindings/errors.h"
#include "bindings/hooks.h"
#include "bindings/node.h"
#include "bindings/tensor.h"

namespace py = pybind11;

namespace fastnn {
namespace {

bool is_basic(PyObject* item) { return PyLong_CheckExact(item) || PySlice_Check(item); }

// What a key picks: one entry an axis of the operand, and the same without the axes that integers
// take away.
struct Selection {
  int64_t taken[kMaxRank], steps[kMaxRank], offset = 0;
  int rank = 0;
  int64_t shape[kMaxRank], strides[kMaxRank];

  void keep(int64_t extent, int64_t stride) {
    shape[rank] = extent;
    strides[rank++] = stride;
  }
};

int64_t position(PyObject* item, int axis, int64_t extent) {
  int overflow = 0;
  const int64_t i = PyLong_AsLongLongAndOverflow(item, &overflow);
  if (overflow || i < -extent || i >= extent)
    throw Error(ErrorKind::index, "getitem: index " + std::string(py::repr(item)) +
                                      " is outside axis " + std::to_string(axis) + " of extent " +
                                      std::to_string(extent));
  return i < 0 ? i + extent : i;
}

Selection select(const Array& x, PyObject* const* items, Py_ssize_t count) {
  if (count > x.rank)
    throw Error(ErrorKind::index,
                "getitem: too many indices for a tensor of " + std::to_string(x.rank) + " axes");
  Array whole = x;
  whole.set_row_major_strides();
  Selection s;
  bool empty = false;
  for (int axis = 0; axis < x.rank; ++axis) {
    const int64_t extent = x.shape[axis], stride = whole.strides[axis];
    int64_t first = 0;
    s.taken[axis] = extent;
    s.steps[axis] = stride;
    if (axis < count && PyLong_CheckExact(items[axis])) {
      first = position(items[axis], axis, extent);
      s.taken[axis] = 1;
    } else {
      if (axis < count) {
        Py_ssize_t start = 0, stop = 0, step = 0;
        if (PySlice_Unpack(items[axis], &start, &stop, &step) < 0) throw py::error_already_set();
        s.taken[axis] = PySlice_AdjustIndices(extent, &start, &stop, step);
        if (s.taken[axis] > 1) s.steps[axis] = stride * step;
        first = start;
      }
      s.keep(s.taken[axis], s.steps[axis]);
    }
    empty = empty || s.taken[axis] == 0;
    if (s.taken[axis]) s.offset += first * stride;
  }
  if (empty) s.offset = 0;
  return s;
}

PyObject* copied(const Array& x, const Selection& s) {
  Array from = x;
  from.rank = static_cast<uint8_t>(s.rank);
  std::copy(s.shape, s.shape + s.rank, from.shape);
  std::copy(s.strides, s.strides + s.rank, from.strides);
  from.data += s.offset * item_size(x.dtype);
  return strided_copy(from).release().ptr();
}

PyObject* basic(PyObject* x, PyObject* const* items, Py_ssize_t count) {
  const Array& array = as_tensor(x)->array;
  const Selection s = select(array, items, count);
  Array picked;
  picked.rank = static_cast<uint8_t>(s.rank);
  std::copy(s.shape, s.shape + s.rank, picked.shape);
  std::copy(s.strides, s.strides + s.rank, picked.strides);
  const bool together = picked.contiguous();
  if (together && same_shape(picked, array) && !is_variable(x)) return Py_NewRef(x);
  py::object y = py::reinterpret_steal<py::object>(
      together ? view_of(as_tensor(x), s.rank, s.shape, s.offset) : copied(array, s));
  if (!y) return nullptr;
  if (hooks.slice_rule && grad_enabled() && requires_grad(x)) {
    const py::tuple saved =
        py::make_tuple(tuple_of(array.shape, array.rank), tuple_of(s.taken, array.rank),
                       tuple_of(s.steps, array.rank), s.offset);
    if (!record(y.ptr(), hooks.slice_rule, saved.ptr(), &x, 1)) return nullptr;
  }
  return y.release().ptr();
}

}  // namespace

PyObject* tensor_getitem(PyObject* x, PyObject* key) {
  return guarded([&]() -> PyObject* {
    if (is_basic(key)) return basic(x, &key, 1);
    if (PyTuple_CheckExact(key)) {
      const Py_ssize_t count = PyTuple_GET_SIZE(key);
      PyObject* const* items = &PyTuple_GET_ITEM(key, 0);
      if (std::all_of(items, items + count, is_basic)) return basic(x, items, count);
    }
    if (!hooks.getitem) Py_RETURN_NOTIMPLEMENTED;
    return PyObject_CallFunctionObjArgs(hooks.getitem, x, key, nullptr);
  });
}

}  // namespace fastnn
