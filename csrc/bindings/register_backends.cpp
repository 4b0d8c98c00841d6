// Backends written in Python: functions from NumPy arrays to NumPy arrays.

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <map>

#include "bindings/python_values.h"
#include "bindings/tensor.h"
#include "core/dispatch.h"

namespace py = pybind11;

namespace fastnn {
namespace {

// What was registered for a backend: {primitive: function}, or a function that returns it, which
// is called when the backend is first used.
std::map<int, py::object>& registered() {
  static auto* tables = new std::map<int, py::object>();  // outlives the interpreter
  return *tables;
}

py::dict functions_of(int backend) {
  py::object& entry = registered()[backend];
  if (entry && !py::isinstance<py::dict>(entry)) entry = entry();
  return entry ? py::reinterpret_borrow<py::dict>(entry) : py::dict();
}

// The operand as a NumPy array: through a Tensor, so that every element type has one way.
py::object numpy_array(const Array& array) {
  Array whole = array;
  retain(whole.block);
  py::object tensor = py::reinterpret_steal<py::object>(make_tensor(whole));
  if (!tensor) throw py::error_already_set();
  return tensor.attr("numpy")();
}

// Copies what a function returned into the caller's memory; shape and dtype must be as declared.
void copy_result(const Call& call, const OperandInfo& operand, const Array& to, py::handle value) {
  const Array from = array_from_numpy(value.ptr());
  const bool fits = from.dtype == to.dtype && same_shape(from, to);
  if (fits) std::memmove(to.data, from.data, static_cast<size_t>(to.bytes()));
  release(from.block);
  if (!fits)
    throw Error(ErrorKind::runtime,
                std::string(call.primitive->name) + ": the " + backend_name(current_backend()) +
                    " backend returned " + std::string(py::str(value.attr("dtype"))) +
                    std::string(py::str(value.attr("shape"))) + " for " + operand.name +
                    ", expected " + dtype_name(to.dtype) +
                    std::string(py::str(py::reinterpret_steal<py::object>(shape_object(to)))));
}

bool run(int backend, const Call& call) {
  py::gil_scoped_acquire gil;
  py::dict functions = functions_of(backend);
  const Primitive& primitive = *call.primitive;
  if (!functions.contains(primitive.name)) return false;
  py::list arguments;
  int results = 0;
  for (size_t j = 0; j < primitive.operands.size(); ++j) {
    const OperandInfo& operand = primitive.operands[j];
    const int index = static_cast<int>(j);
    if (operand.role == Role::out || operand.role == Role::inout) ++results;
    if (operand.role == Role::out || operand.role == Role::scratch) continue;
    if (operand.list) {
      py::list items;
      for (int i = 0; i < call.count(index); ++i) items.append(numpy_array(call.operand(index, i)));
      arguments.append(items);
    } else {
      arguments.append(call.has(index) ? numpy_array(call.operand(index)) : py::none());
    }
  }
  py::object returned = call_python(functions[primitive.name], arguments, attribute_values(call));
  if (results == 1) returned = py::make_tuple(returned);
  int next = 0;
  for (size_t j = 0; j < primitive.operands.size(); ++j) {
    const OperandInfo& operand = primitive.operands[j];
    const int index = static_cast<int>(j);
    if (operand.role != Role::out && operand.role != Role::inout) continue;
    py::object value = returned[py::int_(next++)];
    for (int i = 0; i < call.count(index); ++i)
      copy_result(call, operand, call.operand(index, i),
                  operand.list ? py::object(value[py::int_(i)]) : value);
  }
  return true;
}

int known_backend(const std::string& name) {
  const int backend = find_backend(name);
  if (backend >= 0) return backend;
  std::string known;
  for (int i = 0; i < backend_count(); ++i) known += (i ? ", " : "") + std::string(backend_name(i));
  throw py::value_error("backend: there is no backend '" + name + "', known are " + known);
}

}  // namespace

void register_backends(py::handle scope) {
  auto module = py::reinterpret_borrow<py::module_>(scope);
  set_foreign_run(run);
  module.def(
      "register_backend",
      [](const std::string& name, py::object functions) {
        registered()[register_backend(name)] = std::move(functions);
      },
      py::arg("name"), py::arg("functions"),
      "Registers {primitive: function}, or a function that returns it on first use.");
  module.def(
      "set_backend", [](const std::string& name) { set_thread_backend(known_backend(name)); },
      py::arg("name"), "The backend of this thread.");
  module.def(
      "set_default_backend",
      [](const std::string& name) { set_default_backend(known_backend(name)); }, py::arg("name"),
      "The backend that threads start with.");
  module.def(
      "get_backend", [] { return std::string(backend_name(current_backend())); },
      "The name of this thread's backend.");
  module.def("set_strict_backend", set_strict_backend, py::arg("strict"),
             "Whether falling back to another backend is an error.");
}

}  // namespace fastnn
