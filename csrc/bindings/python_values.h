// Operands and attributes of a call as Python values, for backends written in Python, and calls.
#pragma once

#include <pybind11/cast.h>

#include "core/primitive.h"

namespace fastnn {

// Codes and dtypes are their names, axes and lists of numbers tuples.
pybind11::dict attribute_values(const Call& call);

// function(*arguments, **keywords), which may take long and outlive the interpreter (gil.h).
pybind11::object call_python(const pybind11::object& function, const pybind11::tuple& arguments,
                             const pybind11::dict& keywords = {});

}  // namespace fastnn
