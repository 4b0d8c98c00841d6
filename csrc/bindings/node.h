// A note of one differentiable operation on the tape.
#pragma once

#include <pybind11/pybind11.h>

#include "bindings/tensor.h"

namespace fastnn {

// Whether this thread notes operations for back-propagation.
bool grad_enabled();

// Notes that `result` (a Tensor or a tuple of them) came from `parents` by an operation whose
// gradient is rule(node, gradient); does nothing when no parent requires a gradient. Returns false
// with a Python exception set.
bool record(PyObject* result, PyObject* rule, PyObject* saved, PyObject* const* parents,
            Py_ssize_t count);

inline bool requires_grad(PyObject* object) {
  return is_tensor(object) && as_tensor(object)->requires_grad;
}

}  // namespace fastnn
