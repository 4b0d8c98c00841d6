// The same elements under another shape or in another order: views, copies, x.reshape and x.T.

#include <algorithm>

#include "bindings/array_args.h"
#include "bindings/errors.h"
#include "bindings/hooks.h"
#include "bindings/node.h"
#include "bindings/tensor.h"

namespace py = pybind11;

namespace fastnn {
namespace {

std::string text(PyObject* object) { return py::repr(py::reinterpret_steal<py::object>(object)); }

// Fills in the extent that is -1. Throws where the numbers of elements differ.
void fit_shape(const Array& array, int rank, int64_t* shape) {
  const int64_t size = array.size();
  int64_t known = 1;
  int open = -1;
  bool fits = true;
  for (int axis = 0; axis < rank; ++axis) {
    if (shape[axis] == -1 && open < 0)
      open = axis;
    else if (shape[axis] < 0 || __builtin_mul_overflow(known, shape[axis], &known))
      fits = false;
  }
  if (fits && open >= 0 && known != 0 && size % known == 0) {
    shape[open] = size / known;
    return;
  }
  if (!fits || open >= 0 || known != size)
    throw Error(ErrorKind::value, "reshape: a tensor of shape " + text(shape_object(array)) +
                                      " does not fit shape " +
                                      text(tuple_of(shape, rank).release().ptr()));
}

// reshape(tensor, shape): a view; one extent may be -1.
PyObject* reshape(PyObject*, PyObject* const* args, Py_ssize_t count) {
  return guarded([&]() -> PyObject* {
    if (count != 2 || !is_tensor(args[0]))
      throw Error(ErrorKind::type, "reshape: expected a Tensor and a shape");
    int64_t shape[kMaxRank];
    const int rank = parse_integers("reshape", args[1], shape, kMaxRank);
    fit_shape(as_tensor(args[0])->array, rank, shape);
    return view_of(as_tensor(args[0]), rank, shape, 0);
  });
}

// Integers given one by one or as one tuple; false for anything else.
bool plain_integers(PyObject* const* items, Py_ssize_t count, int64_t* values, int& rank) {
  if (count == 1 && PyTuple_CheckExact(items[0])) {
    count = PyTuple_GET_SIZE(items[0]);
    items = &PyTuple_GET_ITEM(items[0], 0);
  }
  if (count > kMaxRank) return false;
  for (Py_ssize_t i = 0; i < count; ++i) {
    int overflow = 0;
    if (!PyLong_CheckExact(items[i])) return false;
    values[i] = PyLong_AsLongLongAndOverflow(items[i], &overflow);
    if (overflow) return false;
  }
  rank = static_cast<int>(count);
  return true;
}

PyObject* recorded(py::object y, PyObject* x, PyObject* rule, const py::tuple& saved) {
  return record(y.ptr(), rule, saved.ptr(), &x, 1) ? y.release().ptr() : nullptr;
}

// Calls a hook with x before the other arguments.
PyObject* through_hook(PyObject* hook, PyObject* x, PyObject* const* args, Py_ssize_t count,
                       PyObject* keywords) {
  std::vector<PyObject*> all = {x};
  all.insert(all.end(), args, args + count + (keywords ? PyTuple_GET_SIZE(keywords) : 0));
  return PyObject_Vectorcall(hook, all.data(), count + 1, keywords);
}

PyObject* reshape_method(PyObject* x, PyObject* const* args, Py_ssize_t count, PyObject* keywords) {
  return guarded([&]() -> PyObject* {
    int64_t shape[kMaxRank];
    int rank = 0;
    if (keywords || count == 0 || !plain_integers(args, count, shape, rank))
      return through_hook(hooks.reshape, x, args, count, keywords);
    const Array& array = as_tensor(x)->array;
    fit_shape(array, rank, shape);
    py::object y = py::reinterpret_steal<py::object>(view_of(as_tensor(x), rank, shape, 0));
    if (!y || !grad_enabled() || !requires_grad(x)) return y.release().ptr();
    return recorded(std::move(y), x, hooks.reshape_rule, tuple_of(array.shape, array.rank));
  });
}

PyObject* transpose_method(PyObject* x, PyObject* const* args, Py_ssize_t count,
                           PyObject* keywords) {
  return guarded([&]() -> PyObject* {
    if (count == 0 && !keywords) return tensor_transposed(x, nullptr);
    return through_hook(hooks.transpose, x, args, count, keywords);
  });
}

template <class Function>
PyCFunction fastcall(Function function) {
  return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function));
}

PyMethodDef functions[] = {
    {"reshape", fastcall(reshape), METH_FASTCALL, "reshape(tensor, shape) -> a view."},
    {nullptr, nullptr, 0, nullptr}};

}  // namespace

py::object strided_copy(const Array& array) {
  static const Primitive* copy = find_primitive("copy");
  Call call;
  prepare_call(*copy, {&array}, call);
  set_attribute(call, 0, static_cast<int64_t>(array.dtype));
  return result_of(call);
}

PyObject* tensor_transposed(PyObject* x, void*) {
  return guarded([&]() -> PyObject* {
    Array array = as_tensor(x)->array;
    const int rank = array.rank;
    if (rank < 2 && !is_variable(x)) return Py_NewRef(x);
    array.set_row_major_strides();
    std::reverse(array.shape, array.shape + rank);
    std::reverse(array.strides, array.strides + rank);
    py::object y = strided_copy(array);
    if (!grad_enabled() || !requires_grad(x)) return y.release().ptr();
    int64_t axes[kMaxRank];
    for (int axis = 0; axis < rank; ++axis) axes[axis] = rank - 1 - axis;
    return recorded(std::move(y), x, hooks.transpose_rule, tuple_of(axes, rank));
  });
}

PyMethodDef tensor_shape_methods[] = {
    {"reshape", fastcall(reshape_method), METH_FASTCALL | METH_KEYWORDS,
     "The same elements under another shape, given as a tuple or one by one."},
    {"transpose", fastcall(transpose_method), METH_FASTCALL | METH_KEYWORDS,
     "The axes in another order (the opposite one if not given)."},
    {nullptr, nullptr, 0, nullptr}};

void register_tensor_shape(py::handle module) {
  if (PyModule_AddFunctions(module.ptr(), functions) < 0) throw py::error_already_set();
}

}  // namespace fastnn
