#include "bindings/recording.h"

#include <pybind11/pybind11.h>

#include <string>

namespace py = pybind11;

namespace fastnn {

void note_line(Recording& recording) {
  static const std::string package = [] {
    const std::string file = py::str(py::module_::import("fastnn").attr("__file__"));
    return file.substr(0, file.find_last_of('/') + 1);
  }();
  PyFrameObject* frame = PyThreadState_GetFrame(PyThreadState_Get());
  while (frame) {
    PyCodeObject* code = PyFrame_GetCode(frame);
    const std::string file = py::str(
        py::reinterpret_steal<py::object>(reinterpret_cast<PyObject*>(code)).attr("co_filename"));
    if (file.compare(0, package.size(), package) != 0 && file.compare(0, 1, "<") != 0) {
      recording.line = file + ":" + std::to_string(PyFrame_GetLineNumber(frame));
      Py_DECREF(frame);
      return;
    }
    PyFrameObject* caller = PyFrame_GetBack(frame);
    Py_DECREF(frame);
    frame = caller;
  }
  recording.line.clear();
}

}  // namespace fastnn
