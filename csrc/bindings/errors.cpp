#include "bindings/errors.h"

#include <new>

namespace py = pybind11;

namespace fastnn {
namespace {

PyObject* python_type(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::value:
      return PyExc_ValueError;
    case ErrorKind::type:
      return PyExc_TypeError;
    case ErrorKind::index:
      return PyExc_IndexError;
    case ErrorKind::overflow:
      return PyExc_OverflowError;
    case ErrorKind::memory:
      return PyExc_MemoryError;
    case ErrorKind::runtime:
      break;
  }
  return PyExc_RuntimeError;
}

}  // namespace

void set_python_error_from_current() {
  try {
    throw;
  } catch (const Error& error) {
    PyErr_SetString(python_type(error.kind), error.what());
  } catch (py::error_already_set& error) {
    error.restore();
  } catch (const std::bad_alloc&) {
    PyErr_SetString(PyExc_MemoryError, "fastnn: out of memory");
  } catch (const std::exception& error) {
    PyErr_SetString(PyExc_RuntimeError, error.what());
  }
}

}  // namespace fastnn
