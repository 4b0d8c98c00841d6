// Backends whose kernels are compiled while the process runs: a function of Python plans each kind
// of call once, and what it planned runs without Python.

#include <pybind11/pybind11.h>

#include <map>

#include "bindings/python_values.h"
#include "bindings/tensor.h"
#include "core/dispatch.h"
#include "core/program.h"

namespace py = pybind11;

namespace fastnn {
namespace {

std::map<int, py::object>& planners() {
  static auto* functions = new std::map<int, py::object>();  // outlives the interpreter
  return *functions;
}

// (index among the call's arrays, shape, dtype)
py::tuple operand_of(const Call& call, int index) {
  const Array& array = call.arrays()[index];
  return py::make_tuple(index, py::reinterpret_steal<py::object>(shape_object(array)),
                        dtype_name(array.dtype));
}

py::list operands_of(const Call& call) {
  py::list operands;
  for (size_t j = 0; j < call.primitive->operands.size(); ++j) {
    const OperandInfo& operand = call.primitive->operands[j];
    if (operand.role == Role::scratch) continue;
    py::list arrays;
    for (int i = call.first[j]; i < call.first[j + 1]; ++i) arrays.append(operand_of(call, i));
    if (operand.list)
      operands.append(arrays);
    else
      operands.append(arrays.empty() ? py::object(py::none()) : py::object(arrays[0]));
  }
  return operands;
}

// From ([(address, tasks, arrays, integers, reals), ...], [bytes, ...]).
std::shared_ptr<const Program> program_from(const py::tuple& planned) {
  auto program = std::make_shared<Program>();
  for (const py::handle item : planned[0]) {
    const auto parts = item.cast<py::tuple>();
    Stage stage;
    stage.tile = reinterpret_cast<Tile>(parts[0].cast<uintptr_t>());
    stage.tasks = parts[1].cast<int64_t>();
    for (const py::handle index : parts[2]) stage.arrays.push_back(index.cast<int32_t>());
    for (const py::handle value : parts[3]) stage.integers.push_back(value.cast<int64_t>());
    for (const py::handle value : parts[4]) stage.reals.push_back(value.cast<double>());
    program->stages.push_back(std::move(stage));
  }
  for (const py::handle bytes : planned[1]) program->scratch.push_back(bytes.cast<int64_t>());
  return program;
}

std::shared_ptr<const Program> plan(int backend, const Call& call) {
  py::gil_scoped_acquire gil;
  const py::object planned = planners().at(backend)(call.primitive->name, call.total(),
                                                    operands_of(call), attribute_values(call));
  return planned.is_none() ? nullptr : program_from(planned.cast<py::tuple>());
}

}  // namespace

void register_programs(py::module_& module) {
  module.def(
      "register_planner",
      [](const std::string& name, py::object planner) {
        const int backend = register_backend(name);
        planners()[backend] = std::move(planner);
        set_planner(backend, plan);
      },
      py::arg("name"), py::arg("planner"),
      "Registers planner(primitive, arrays, operands, attributes) -> (stages, scratch), or "
      "None.\n\n"
      "operands: outputs first; each (index, shape, dtype), None or a list. stages:\n"
      "(address of the C function, tasks, indices of arrays, integers, reals); indices from\n"
      "`arrays` on are scratch memory of so many bytes.");
}

}  // namespace fastnn
