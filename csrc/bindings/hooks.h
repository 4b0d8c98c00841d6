// Functions of Python that C calls when its own path does not apply, and the gradient rules that
// its own paths record.
#pragma once

#include <pybind11/cast.h>

#include "core/op_codes.h"

namespace fastnn {

struct Hooks {
  PyObject* binary = nullptr;         // f(op, a, b)
  PyObject* unary = nullptr;          // f(op, x)
  PyObject* dense = nullptr;          // f(x, kernel, bias, activation, a)
  PyObject* matmul = nullptr;         // f(a, b)
  PyObject* getitem = nullptr;        // f(x, key)
  PyObject* reduce = nullptr;         // f(op, x, axis, keepdims)
  PyObject* reduce_method = nullptr;  // f(op, x, *args, **kwargs)
  PyObject* reshape = nullptr;        // f(x, *shape, order)
  PyObject* transpose = nullptr;      // f(x, *axes)
  PyObject* repr = nullptr;           // f(x)

  PyObject* matmul_rule = nullptr;     // saved: (a, b), of two axes each
  PyObject* slice_rule = nullptr;      // of integers and slices; saved: see tensor_index.cpp
  PyObject* reshape_rule = nullptr;    // saved: shape
  PyObject* transpose_rule = nullptr;  // saved: axes
  PyObject* extreme_rule = nullptr;    // of max and min; saved: x, the result, axes
  PyObject* rules[static_cast<int>(BinaryOp::count)] = {};
};
extern Hooks hooks;

void register_hooks(pybind11::handle module);

}  // namespace fastnn
