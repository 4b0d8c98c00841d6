// a @ b for two matrices of one floating-point dtype and device; other operands go to a Python
// hook, which comes back with what fits here.

#include "bindings/array_args.h"
#include "bindings/errors.h"
#include "bindings/hooks.h"
#include "bindings/node.h"
#include "bindings/tensor.h"

namespace py = pybind11;

namespace fastnn {
namespace {

bool fit(PyObject* a, PyObject* b) {
  if (!is_tensor(a) || !is_tensor(b)) return false;
  const Array &x = as_tensor(a)->array, &y = as_tensor(b)->array;
  return x.rank == 2 && y.rank == 2 && x.dtype == y.dtype && is_float(x.dtype) &&
         x.shape[1] == y.shape[0] && x.block->device == y.block->device;
}

PyObject* matmul(PyObject*, PyObject* const* args, Py_ssize_t count) {
  if (count == 2) return tensor_matmul(args[0], args[1]);
  PyErr_SetString(PyExc_TypeError, "matmul: expected two operands");
  return nullptr;
}

PyMethodDef functions[] = {
    {"matmul", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(matmul)), METH_FASTCALL,
     "matmul(a, b) -> the product, recorded."},
    {nullptr, nullptr, 0, nullptr}};

}  // namespace

PyObject* tensor_matmul(PyObject* a, PyObject* b) {
  return guarded([&]() -> PyObject* {
    if (!fit(a, b)) return PyObject_CallFunctionObjArgs(hooks.matmul, a, b, nullptr);
    static const Primitive* gemm = find_primitive("gemm");
    Call call;
    prepare_call(*gemm, {&as_tensor(a)->array, &as_tensor(b)->array}, call);
    py::object y = result_of(call);
    PyObject* operands[] = {a, b};
    if (grad_enabled() && (requires_grad(a) || requires_grad(b)) &&
        !record(y.ptr(), hooks.matmul_rule, py::make_tuple(py::handle(a), py::handle(b)).ptr(),
                operands, 2))
      return nullptr;
    return y.release().ptr();
  });
}

void register_tensor_matmul(py::handle module) {
  if (PyModule_AddFunctions(module.ptr(), functions) < 0) throw py::error_already_set();
}

}  // namespace fastnn
