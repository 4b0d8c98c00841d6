// Backends whose kernels are compiled while the process runs: a function of Python plans each kind
// of call once, and what it planned runs without Python.

#include <pybind11/pybind11.h>

#include <map>

#include "bindings/gil.h"
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

// A planner's mistakes must not reach memory.
void check_stage(const std::string& who, const Stage& stage, int64_t arrays) {
  if (!stage.tile) throw Error(ErrorKind::value, who + "the kernel's address is 0");
  if (stage.tasks < 0)
    throw Error(ErrorKind::value, who + std::to_string(stage.tasks) + " tasks, expected 0 or more");
  for (const int32_t index : stage.arrays)
    if (index < -1 || index >= arrays)
      throw Error(ErrorKind::value, who + "array " + std::to_string(index) + ", expected -1 to " +
                                        std::to_string(arrays - 1));
}

template <class T>
std::vector<T> numbers(const std::string& who, const char* what, const py::handle& values) {
  std::vector<T> found;
  for (const py::handle value : values) {
    try {
      found.push_back(value.cast<T>());
    } catch (const py::cast_error&) {
      throw Error(ErrorKind::type, who + what + " has " + std::string(py::repr(value)) +
                                       ", expected numbers that fit it");
    }
  }
  return found;
}

// From ([(address, tasks, arrays, integers, reals), ...], [bytes, ...]).
std::shared_ptr<const Program> program_from(const Call& call, const py::tuple& planned) {
  const std::string who = std::string(call.primitive->name) + ": its planner: ";
  auto program = std::make_shared<Program>();
  program->scratch = numbers<int64_t>(who, "scratch", planned[1]);
  for (const py::handle item : planned[0]) {
    const auto parts = item.cast<py::tuple>();
    Stage stage;
    stage.tile = reinterpret_cast<Tile>(parts[0].cast<uintptr_t>());
    stage.tasks = numbers<int64_t>(who, "tasks", py::make_tuple(parts[1]))[0];
    stage.arrays = numbers<int32_t>(who, "arrays", parts[2]);
    stage.integers = numbers<int64_t>(who, "integers", parts[3]);
    stage.reals = numbers<double>(who, "reals", parts[4]);
    check_stage(who, stage, call.total() + static_cast<int64_t>(program->scratch.size()));
    program->stages.push_back(std::move(stage));
  }
  return program;
}

std::shared_ptr<const Program> plan(int backend, const Call& call) {
  return outlive_python([&]() -> std::shared_ptr<const Program> {
    const py::gil_scoped_acquire gil;
    const auto arguments = py::make_tuple(call.primitive->name, call.total(), operands_of(call),
                                          attribute_values(call));
    const auto planned = call_python(planners().at(backend), arguments);
    return planned.is_none() ? nullptr : program_from(call, planned.cast<py::tuple>());
  });
}

}  // namespace

void register_programs(py::handle scope) {
  auto module = py::reinterpret_borrow<py::module_>(scope);
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
  module.def("forget_programs", forget_programs,
             "Planners are asked again, also for kinds of calls that they have planned.");
}

}  // namespace fastnn
