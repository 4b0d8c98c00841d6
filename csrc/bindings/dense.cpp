// dense(x, kernel, bias, activation, a): activation(x @ kernel + bias) and its gradients, for
// matrices of one floating-point dtype; the rest goes to a Python hook, which comes back with what
// fits here.

#include "bindings/array_args.h"
#include "bindings/errors.h"
#include "bindings/hooks.h"
#include "bindings/node.h"
#include "bindings/tensor.h"

namespace py = pybind11;

namespace fastnn {
namespace {

#define FASTNN_READS(name, reads, dtypes) #reads[0],
constexpr char kReads[] = {FASTNN_UNARY_OPS(FASTNN_READS)};
#undef FASTNN_READS
#define FASTNN_DTYPES(name, reads, dtypes) #dtypes[0],
constexpr char kDTypes[] = {FASTNN_UNARY_OPS(FASTNN_DTYPES)};
#undef FASTNN_DTYPES

PyObject* activation_codes;  // {name: code} of what gemm applies on the way out
PyObject* dense_rule;

// Sigmoid is left to Python: its result remembers the logits.
void name_activations() {
  py::dict codes;
  for (int code = 0; code < unary_codes().count; ++code)
    if (kReads[code] != 'z' && code != static_cast<int>(UnaryOp::sigmoid) &&
        (kDTypes[code] == 'F' || kDTypes[code] == 'N' || kDTypes[code] == 'A'))
      codes[unary_codes().names[code]] = code;
  activation_codes = codes.release().ptr();
}

// The code of a name, -1 if there is none.
int64_t code_of(PyObject* name) {
  if (!PyUnicode_CheckExact(name)) return -1;
  PyObject* code = PyDict_GetItemWithError(activation_codes, name);
  return code ? PyLong_AsLong(code) : -1;
}

bool fit(PyObject* x, PyObject* kernel, PyObject* bias) {
  if (!is_tensor(x) || !is_tensor(kernel)) return false;
  const Array &a = as_tensor(x)->array, &b = as_tensor(kernel)->array;
  if (a.rank != 2 || b.rank != 2 || a.dtype != b.dtype || !is_float(a.dtype) ||
      a.shape[1] != b.shape[0] || a.block->device != b.block->device)
    return false;
  if (bias == Py_None) return true;
  if (!is_tensor(bias)) return false;
  const Array& c = as_tensor(bias)->array;
  return c.rank == 1 && c.dtype == a.dtype && c.shape[0] == b.shape[1] &&
         c.block->device == a.block->device;
}

enum Attribute { kActivation = 4, kParameter, kWantPreactivation };  // of gemm

PyObject* run_dense(PyObject* const* operands, int64_t activation, double a) {
  static const Primitive* gemm = find_primitive("gemm");
  PyObject *x = operands[0], *kernel = operands[1], *bias = operands[2];
  const bool recording =
      grad_enabled() && (requires_grad(x) || requires_grad(kernel) || requires_grad(bias));
  Call call;
  prepare_call(*gemm,
               {&as_tensor(x)->array, &as_tensor(kernel)->array,
                bias == Py_None ? nullptr : &as_tensor(bias)->array},
               call);
  set_attribute(call, kActivation, activation);
  set_attribute(call, kParameter, a);
  set_attribute(call, kWantPreactivation, int64_t{recording && kReads[activation] == 'x'});
  py::object y = result_of(call), value = py::none();
  if (!recording) return y.release().ptr();
  if (kReads[activation] == 'x') {
    value = py::reinterpret_steal<py::object>(make_tensor(call.operand(1)));
    if (!value) throw py::error_already_set();
  } else if (kReads[activation] == 'y') {
    value = y;  // the tape keeps a twin
  }
  const py::tuple saved = py::make_tuple(py::handle(x), py::handle(kernel), value, activation, a);
  return record(y.ptr(), dense_rule, saved.ptr(), operands, 3) ? y.release().ptr() : nullptr;
}

// dense(x, kernel, bias or None, activation, a)
PyObject* dense(PyObject*, PyObject* const* args, Py_ssize_t count) {
  return guarded([&]() -> PyObject* {
    if (count != 5)
      throw Error(ErrorKind::type, "dense: expected x, kernel, bias, activation and a");
    const int64_t activation = code_of(args[3]);
    if (activation >= 0 && PyFloat_CheckExact(args[4]) && fit(args[0], args[1], args[2]))
      return run_dense(args, activation, PyFloat_AS_DOUBLE(args[4]));
    return PyObject_Vectorcall(hooks.dense, args, 5, nullptr);
  });
}

// The rule: (x, kernel, value, activation, a) were saved; value is what the derivative reads.
PyObject* backward(PyObject*, PyObject* const* args, Py_ssize_t) {
  return guarded([&]() -> PyObject* {
    static const Primitive* dense_backward = find_primitive("dense_backward");
    const NodeObject* node = as_node(args[0]);
    py::object saved = py::reinterpret_steal<py::object>(saved_of(args[0]));
    if (!saved) return nullptr;
    auto array = [&](int i) { return &as_tensor(PyTuple_GET_ITEM(saved.ptr(), i))->array; };
    const Array* gradient = &as_tensor(args[1])->array;
    const bool reads_nothing = PyTuple_GET_ITEM(saved.ptr(), 2) == Py_None;
    Call call;
    prepare_call(*dense_backward,
                 {gradient, array(0), array(1), reads_nothing ? gradient : array(2)}, call);
    set_attribute(call, 0, int64_t{PyLong_AsLong(PyTuple_GET_ITEM(saved.ptr(), 3))});
    set_attribute(call, 1, PyFloat_AS_DOUBLE(PyTuple_GET_ITEM(saved.ptr(), 4)));
    for (int i = 0; i < 3; ++i)
      set_attribute(call, 2 + i, int64_t{node->edges[i].target != nullptr});
    run_call(call);
    return wrap_outputs(call);
  });
}

PyMethodDef backward_def = {"dense_rule",
                            reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(backward)),
                            METH_FASTCALL, "The gradients of dense."};

PyMethodDef functions[] = {
    {"dense", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(dense)), METH_FASTCALL,
     "dense(x, kernel, bias, activation, a) -> activation(x @ kernel + bias), recorded."},
    {nullptr, nullptr, 0, nullptr}};

}  // namespace

void register_dense(py::handle module) {
  name_activations();
  dense_rule = PyCFunction_New(&backward_def, nullptr);
  if (!dense_rule || PyModule_AddFunctions(module.ptr(), functions) < 0)
    throw py::error_already_set();
}

}  // namespace fastnn
