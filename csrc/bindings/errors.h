// C++ exceptions become Python exceptions here, and nowhere else: none may leave a slot.
#pragma once

#include <pybind11/cast.h>

#include "core/primitive.h"

namespace fastnn {

// To be called in a catch block: sets the Python exception for whatever is in flight.
void set_python_error_from_current();

// Runs `body` (which returns a PyObject*), turning what it throws into a Python exception.
template <class Body>
PyObject* guarded(Body&& body) noexcept {
  try {
    return body();
  } catch (...) {
    set_python_error_from_current();
    return nullptr;
  }
}

// What a function of Python's interface returned, a new reference. Throws the exception that is set
// if it returned null.
inline pybind11::object steal(PyObject* object) {
  if (!object) throw pybind11::error_already_set();
  return pybind11::reinterpret_steal<pybind11::object>(object);
}

}  // namespace fastnn
