// x.sum(axis, keepdims=...) and its like, for the usual operands and axes; others, and arguments
// that only NumPy passes, go to a Python hook, which comes back with what fits here.

#include "bindings/array_args.h"
#include "bindings/errors.h"
#include "bindings/hooks.h"
#include "bindings/node.h"
#include "bindings/tensor.h"

namespace py = pybind11;

namespace fastnn {
namespace {

const Primitive& reduce_primitive() {
  static const Primitive* primitive = find_primitive("reduce");
  return *primitive;
}

// The operations that have a path here, by the names that Python gives them.
constexpr ReduceOp kOps[] = {ReduceOp::sum, ReduceOp::mean, ReduceOp::max,
                             ReduceOp::min, ReduceOp::any,  ReduceOp::all};
PyObject* names[static_cast<int>(ReduceOp::count)];

constexpr bool is_extreme(ReduceOp op) { return op == ReduceOp::max || op == ReduceOp::min; }
constexpr bool is_truth(ReduceOp op) { return op == ReduceOp::any || op == ReduceOp::all; }

bool takes(ReduceOp op, DType dtype) {
  if (op == ReduceOp::mean) return is_float(dtype);
  if (op == ReduceOp::sum) return dtype != DType::boolean && dtype != DType::uint8;
  return true;
}

// One more axis as a bit of `axes`; false if it is not an integer in range, or there already.
bool add_axis(PyObject* item, int rank, int64_t& axes) {
  if (!PyLong_CheckExact(item)) return false;
  int overflow = 0;
  const long axis = PyLong_AsLongAndOverflow(item, &overflow);
  if (overflow || axis < -rank || axis >= rank) return false;
  const int64_t bit = int64_t{1} << (axis < 0 ? axis + rank : axis);
  if (axes & bit) return false;
  axes |= bit;
  return true;
}

bool parse_axes(PyObject* axis, int rank, int64_t& axes) {
  if (!axis || axis == Py_None) {
    axes = (int64_t{1} << rank) - 1;
    return true;
  }
  axes = 0;
  if (!PyTuple_CheckExact(axis)) return add_axis(axis, rank, axes);
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(axis); ++i)
    if (!add_axis(PyTuple_GET_ITEM(axis, i), rank, axes)) return false;
  return true;
}

bool of_nothing(const Array& x, int64_t axes) {
  for (int axis = 0; axis < x.rank; ++axis)
    if ((axes >> axis & 1) && x.shape[axis] == 0) return true;
  return false;
}

// The rule of sum and mean, which saved the axes: a gradient is repeated along them.
template <ReduceOp op>
PyObject* spread(PyObject*, PyObject* const* args, Py_ssize_t count) {
  return guarded([&]() -> PyObject* {
    if (count != 2 || Py_TYPE(args[0]) != node_type || !is_tensor(args[1]))
      throw Error(ErrorKind::type, "spread_rule: expected a Node and a Tensor");
    const Edge& to = as_node(args[0])->edges[0];
    const int64_t axes = PyLong_AsLongLong(steal(saved_of(args[0])).ptr());
    Array repeated;
    int64_t stride = 1, terms = 1;
    for (int axis = to.rank - 1; axis >= 0; --axis) {
      const bool reduced = axes >> axis & 1;
      repeated.shape[axis] = to.shape[axis];
      repeated.strides[axis] = reduced ? 0 : stride;
      (reduced ? terms : stride) *= to.shape[axis];
    }
    py::object gradient = py::reinterpret_borrow<py::object>(args[1]);
    if (op == ReduceOp::mean) {
      const py::float_ share(1.0 / static_cast<double>(terms ? terms : 1));
      gradient = steal(PyNumber_Multiply(gradient.ptr(), share.ptr()));
    }
    const Array& from = as_tensor(gradient.ptr())->array;
    repeated.block = from.block;
    repeated.data = from.data;
    repeated.dtype = from.dtype;
    repeated.rank = to.rank;
    repeated.present = true;
    return strided_copy(repeated).release().ptr();
  });
}

template <ReduceOp op>
PyMethodDef spread_def = {"spread_rule",
                          reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(spread<op>)),
                          METH_FASTCALL, "The gradient of a sum or a mean."};
PyObject *sum_rule, *mean_rule;

PyObject* rule_of(ReduceOp op) {
  if (op == ReduceOp::sum) return sum_rule;
  return op == ReduceOp::mean ? mean_rule : hooks.extreme_rule;
}

// What the rule reads: of an extreme the operand, the result and the axes, else the axes.
py::object saved_for(ReduceOp op, PyObject* x, py::handle y, int64_t axes) {
  if (!is_extreme(op)) return py::int_(axes);
  const Array &from = as_tensor(x)->array, &to = as_tensor(y.ptr())->array;
  int64_t positions[kMaxRank];
  int count = 0;
  for (int axis = 0; axis < from.rank; ++axis)
    if (axes >> axis & 1) positions[count++] = axis;
  py::object kept = steal(view_of(as_tensor(y.ptr()), to.rank, to.shape, 0));
  return py::make_tuple(py::handle(x), kept, tuple_of(positions, count));
}

PyObject* reduced(ReduceOp op, PyObject* x, PyObject* axis, PyObject* keepdims) {
  const int code = static_cast<int>(op);
  const int keep = keepdims ? PyObject_IsTrue(keepdims) : 0;
  if (keep < 0) return nullptr;
  int64_t axes = 0;
  const bool fits = is_tensor(x) && takes(op, as_tensor(x)->array.dtype) &&
                    parse_axes(axis, as_tensor(x)->array.rank, axes) &&
                    !(is_extreme(op) && of_nothing(as_tensor(x)->array, axes));
  if (!fits)
    return PyObject_CallFunctionObjArgs(hooks.reduce, names[code], x, axis ? axis : Py_None,
                                        keep ? Py_True : Py_False, nullptr);
  Call call;
  prepare_call(reduce_primitive(), {&as_tensor(x)->array}, call);
  set_attribute(call, 0, int64_t{code});
  set_attribute(call, 1, axes);
  set_attribute(call, 2, int64_t{keep});
  py::object y = result_of(call);
  if (!is_truth(op) && grad_enabled() && requires_grad(x) &&
      !record(y.ptr(), rule_of(op), saved_for(op, x, y, axes).ptr(), &x, 1))
    return nullptr;
  return y.release().ptr();
}

bool is_named(PyObject* name, const char* expected) {
  return PyUnicode_CompareWithASCIIString(name, expected) == 0;
}

// The method: (axis, *, keepdims), and NumPy's dtype=None and out=None.
template <ReduceOp op>
PyObject* method(PyObject* x, PyObject* const* args, Py_ssize_t count, PyObject* keywords) {
  return guarded([&]() -> PyObject* {
    PyObject *axis = count > 0 ? args[0] : nullptr, *keepdims = nullptr;
    bool usual = count <= 1;
    const Py_ssize_t named = keywords ? PyTuple_GET_SIZE(keywords) : 0;
    for (Py_ssize_t i = 0; i < named && usual; ++i) {
      PyObject *name = PyTuple_GET_ITEM(keywords, i), *value = args[count + i];
      if (!axis && is_named(name, "axis"))
        axis = value;
      else if (is_named(name, "keepdims"))
        keepdims = value;
      else
        usual = value == Py_None && (is_named(name, "dtype") || is_named(name, "out"));
    }
    if (usual) return reduced(op, x, axis, keepdims);
    std::vector<PyObject*> all = {names[static_cast<int>(op)], x};
    all.insert(all.end(), args, args + count + named);
    return PyObject_Vectorcall(hooks.reduce_method, all.data(), count + 2, keywords);
  });
}

// reduce_as(op, x, axis, keepdims): the operation by name.
PyObject* reduce_as(PyObject*, PyObject* const* args, Py_ssize_t count) {
  return guarded([&]() -> PyObject* {
    if (count == 4)
      for (const ReduceOp op : kOps)
        if (names[static_cast<int>(op)] == args[0]) return reduced(op, args[1], args[2], args[3]);
    throw Error(ErrorKind::type, "reduce_as: expected the name of an operation, x, axis, keepdims");
  });
}

template <ReduceOp op>
constexpr PyMethodDef method_def(const char* name, const char* doc) {
  return {name, reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(method<op>)),
          METH_FASTCALL | METH_KEYWORDS, doc};
}

PyMethodDef functions[] = {
    {"reduce_as", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(reduce_as)),
     METH_FASTCALL, "reduce_as(op, x, axis, keepdims) -> the reduction, recorded."},
    {nullptr, nullptr, 0, nullptr}};

}  // namespace

#define FASTNN_SIGNATURE(name) \
  name "($self, axis=None, dtype=None, out=None, keepdims=False)\n--\n\n"

PyMethodDef tensor_reduce_methods[] = {
    method_def<ReduceOp::sum>("sum", FASTNN_SIGNATURE("sum") "The sum over axes (None: all)."),
    method_def<ReduceOp::mean>("mean", FASTNN_SIGNATURE("mean") "The mean over axes."),
    method_def<ReduceOp::max>("max", FASTNN_SIGNATURE("max") "The largest element over axes."),
    method_def<ReduceOp::min>("min", FASTNN_SIGNATURE("min") "The smallest element over axes."),
    method_def<ReduceOp::any>("any", FASTNN_SIGNATURE("any") "Whether an element is not zero."),
    method_def<ReduceOp::all>("all", FASTNN_SIGNATURE("all") "Whether no element is zero."),
    {nullptr, nullptr, 0, nullptr}};

void register_tensor_reduce(py::handle module) {
  for (const ReduceOp op : kOps) {
    const int code = static_cast<int>(op);
    names[code] = PyUnicode_InternFromString(reduce_codes().names[code]);
  }
  sum_rule = PyCFunction_New(&spread_def<ReduceOp::sum>, nullptr);
  mean_rule = PyCFunction_New(&spread_def<ReduceOp::mean>, nullptr);
  if (!sum_rule || !mean_rule || PyModule_AddFunctions(module.ptr(), functions) < 0)
    throw py::error_already_set();
}

}  // namespace fastnn
