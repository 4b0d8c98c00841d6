// A note of one differentiable operation on the tape.
#pragma once

#include <pybind11/cast.h>

#include "bindings/tensor.h"

namespace fastnn {

// Where an operand of an operation came from.
struct Edge {
  PyObject* target;  // a Node, a leaf Tensor, or null: no gradient wanted
  int32_t output_index;
  uint8_t rank;
  int64_t shape[kMaxRank];
};

// One operation: its rule, what the rule needs, and its operands.
struct NodeObject {
  PyObject_HEAD uint64_t sequence;  // later operations have larger numbers
  PyObject* rule;                   // f(node, gradient)
  PyObject* saved;                  // what the rule needs; null once released
  uint64_t* versions;               // of the Tensors in `saved`, when they were saved
  Edge* edges;
  Py_ssize_t edge_count;
  int32_t output_count;
};

extern PyTypeObject* node_type;

inline NodeObject* as_node(PyObject* object) { return reinterpret_cast<NodeObject*>(object); }

// What the rule saved, a new reference; null with an exception if it was freed, or written since.
PyObject* saved_of(PyObject* node);

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
