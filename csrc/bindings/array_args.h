// From Python arguments to a Call, and from its outputs to Python results.
#pragma once

#include <pybind11/cast.h>

#include <cstring>
#include <initializer_list>
#include <vector>

#include "bindings/tensor.h"
#include "core/dispatch.h"

namespace fastnn {

// Reads operands (in and inout, in the order of the record) and then attributes. Trailing
// attributes may be left out. `keep` holds what must live as long as the call. Throws.
void parse_call(const Primitive& primitive, PyObject* const* args, Py_ssize_t count, Call& call,
                std::vector<pybind11::object>& keep);

// A call on those arrays (the in and inout operands in order, null: absent; trailing ones may be
// left out) with every attribute at its default.
void prepare_call(const Primitive& primitive, std::initializer_list<const Array*> arrays,
                  Call& call);

// T: int64_t, or double for a real one.
template <class T>
void set_attribute(Call& call, int i, T value) {
  static_assert(sizeof(value) == 8, "attributes are int64_t or double");
  std::memcpy(call.attributes.bytes + call.primitive->attributes[i].offset, &value, sizeof(value));
}

// infer, allocate, launch; gives the GIL back meanwhile when the work is worth it. Throws; then
// the outputs have been released.
void run_call(Call& call);

// Runs a call with one output and returns that. Throws.
pybind11::object result_of(Call& call);

// The `out` operands of a call that has run, as Tensors: one, or a tuple. Takes their blocks.
PyObject* wrap_outputs(Call& call);

}  // namespace fastnn
