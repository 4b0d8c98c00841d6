// From Python arguments to a Call, and from its outputs to Python results.
#pragma once

#include <pybind11/pybind11.h>

#include <vector>

#include "bindings/tensor.h"
#include "core/dispatch.h"

namespace fastnn {

// Reads operands (in and inout, in the order of the record) and then attributes. Trailing
// attributes may be left out. `keep` holds what must live as long as the call. Throws.
void parse_call(const Primitive& primitive, PyObject* const* args, Py_ssize_t count, Call& call,
                std::vector<pybind11::object>& keep);

// infer, allocate, launch; gives the GIL back meanwhile when the work is worth it. Throws; then
// the outputs have been released.
void run_call(Call& call);

// The `out` operands of a call that has run, as Tensors: one, or a tuple. Takes their blocks.
PyObject* wrap_outputs(Call& call);

}  // namespace fastnn
