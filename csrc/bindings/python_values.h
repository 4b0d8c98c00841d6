// Operands and attributes of a call as Python values, for backends written in Python.
#pragma once

#include <pybind11/pybind11.h>

#include "core/primitive.h"

namespace fastnn {

// Codes and dtypes are their names, axes and lists of numbers tuples.
pybind11::dict attribute_values(const Call& call);

}  // namespace fastnn
