// Recordings and plans, for fastnn/captured.py.

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <chrono>

#include "bindings/array_args.h"
#include "bindings/errors.h"
#include "bindings/gil.h"
#include "bindings/node.h"
#include "bindings/recording.h"
#include "core/dispatch.h"
#include "core/plan.h"
#include "core/thread_pool.h"

namespace py = pybind11;

namespace fastnn {
namespace {

std::vector<Array> arrays_of(const py::tuple& tensors) {
  std::vector<Array> arrays;
  for (py::handle tensor : tensors) {
    if (!is_tensor(tensor.ptr())) throw py::type_error("recording: expected a tuple of Tensors");
    arrays.push_back(as_tensor(tensor.ptr())->array);
  }
  return arrays;
}

// The argument as a C++ value. `expected`: what the error of another type says.
template <class Type>
Type argument(PyObject* value, const char* expected) {
  try {
    return py::cast<Type>(py::handle(value));
  } catch (const py::builtin_exception&) {  // of a cast; None as a reference has a kind of its own
    throw Error(ErrorKind::type, expected);
  }
}

// A plan's arguments, which must be like those it was recorded with.
std::vector<const Array*> arguments_of(const Plan& plan, PyObject* tensors,
                                       const std::string& operation) {
  const auto& expected = plan.inputs();
  if (!PyTuple_CheckExact(tensors) ||
      PyTuple_GET_SIZE(tensors) != static_cast<Py_ssize_t>(expected.size()))
    throw Error(ErrorKind::type, operation + ": expected a tuple of " +
                                     std::to_string(expected.size()) + " Tensors");
  std::vector<const Array*> arrays(expected.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    PyObject* tensor = PyTuple_GET_ITEM(tensors, static_cast<Py_ssize_t>(i));
    if (!is_tensor(tensor) || as_tensor(tensor)->array.dtype != expected[i].dtype ||
        !same_shape(as_tensor(tensor)->array, expected[i]))
      throw Error(ErrorKind::value, operation + ": argument " + std::to_string(i) +
                                        " is not like the one that was recorded");
    arrays[i] = &as_tensor(tensor)->array;
  }
  return arrays;
}

// A Tensor for each result: over a block that the step made, an argument, or a constant.
py::tuple wrap_results(const Plan& plan, PyObject* inputs, const std::vector<Block*>& blocks) {
  py::tuple results(blocks.size());
  for (size_t i = 0; i < blocks.size(); ++i) {
    const Place& place = plan.results()[i].place;
    Array array = plan.results()[i].array;
    if (place.origin == Origin::made) {
      array.block = blocks[i];
      array.data = array.block->data + place.offset;
    } else {
      if (place.origin == Origin::input) {
        const Array& input = as_tensor(PyTuple_GET_ITEM(inputs, place.index))->array;
        array.block = input.block;
        array.data = input.data + place.offset;
      }
      retain(array.block);
    }
    results[i] = py::reinterpret_steal<py::object>(make_tensor(array));
  }
  return results;
}

// replay(plan, inputs) -> a Tensor for each result; or None, with nothing done, when another thread
// runs the plan and it changes no state, or this thread does.
PyObject* replay(PyObject*, PyObject* const* args, Py_ssize_t count) {
  return guarded([&]() -> PyObject* {
    const char* expected = "replay: expected a plan and a tuple of Tensors";
    if (count != 2) throw Error(ErrorKind::type, expected);
    Plan& plan = argument<Plan&>(args[0], expected);
    const std::vector<const Array*> inputs = arguments_of(plan, args[1], "replay");
    std::vector<Block*> blocks;
    bool done;
    {
      ReleasedGil released;
      done = plan.run(inputs, blocks);
    }
    if (!done) Py_RETURN_NONE;
    return wrap_results(plan, args[1], blocks).release().ptr();
  });
}

// repeat(plan, inputs, times, seconds) -> how often it ran: `times`, or fewer, since no run begins
// when so many seconds have gone by. For a plan without results.
PyObject* repeat(PyObject*, PyObject* const* args, Py_ssize_t count) {
  return guarded([&]() -> PyObject* {
    const char* expected = "repeat: expected a plan, a tuple of Tensors, times and seconds";
    if (count != 4) throw Error(ErrorKind::type, expected);
    Plan& plan = argument<Plan&>(args[0], expected);
    const std::vector<const Array*> inputs = arguments_of(plan, args[1], "repeat");
    const auto times = argument<int64_t>(args[2], expected);
    const std::chrono::duration<double> seconds(argument<double>(args[3], expected));
    if (!plan.results().empty()) throw Error(ErrorKind::value, "repeat: the plan has results");
    int64_t done = 0;
    {
      ReleasedGil released;
      using Clock = std::chrono::steady_clock;
      const auto start = Clock::now();
      std::vector<Block*> none;
      while (done < times && Clock::now() - start < seconds && plan.run(inputs, none)) ++done;
    }
    return PyLong_FromLongLong(done);
  });
}

std::shared_ptr<Trace> make_trace(const Recording& recording, const py::tuple& inputs,
                                  const py::tuple& results) {
  std::string refusal;
  std::shared_ptr<Trace> trace =
      trace_of(recording, arrays_of(inputs), arrays_of(results), refusal);
  if (!trace) throw py::value_error(refusal);
  return trace;
}

std::unique_ptr<Plan> make_plan(const std::shared_ptr<Trace>& first, const Trace& second) {
  const std::string reason = difference(*first, second);
  if (!reason.empty()) throw py::value_error(reason);
  return std::make_unique<Plan>(first);
}

// Who runs it in a replay.
const char* backend_of(const Call& call) {
  if (call.device == Device::cuda) return "jit_cuda";
  return call.program ? "jit_cpu" : "native";
}

py::list describe_calls(const Plan& plan) {
  py::list calls;
  for (size_t i = 0; i < plan.size(); ++i) {
    const Call& call = plan.call(i);
    py::list operands;
    for_each_array(call, [&](Role, int operand, int index) {
      const Array& array = call.arrays()[index];
      operands.append(py::make_tuple(call.primitive->operands[static_cast<size_t>(operand)].name,
                                     dtype_name(array.dtype),
                                     py::reinterpret_steal<py::object>(shape_object(array))));
    });
    calls.append(py::make_tuple(call.primitive->name, operands, cost_of(call), plan.line(i),
                                backend_of(call)));
  }
  return calls;
}

// What a step depends on beside its arguments: gradients on or off, the backend, the threads, the
// device, and whether another recording runs, which a replay would be missing from.
PyObject* mode(PyObject*, PyObject*) {
  return PyLong_FromLong(grad_enabled() | current_backend() << 1 | thread_count() << 9 |
                         (current_recording() != nullptr) << 20 |
                         static_cast<int>(current_device()) << 21);
}

PyMethodDef functions[] = {
    {"replay", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(replay)), METH_FASTCALL,
     "replay(plan, inputs) -> a Tensor for each result."},
    {"repeat", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(repeat)), METH_FASTCALL,
     "repeat(plan, inputs, times, seconds) -> how often it ran."},
    {"mode", mode, METH_NOARGS,
     "A number for what this thread computes with: gradients, backend, threads, device."},
    {nullptr, nullptr, 0, nullptr}};

}  // namespace

void register_plan(py::handle scope) {
  auto module = py::reinterpret_borrow<py::module_>(scope);
  py::class_<Recording>(module, "Recording")
      .def(py::init<>())
      .def("start",
           [](Recording& recording) {
             if (current_recording())
               throw py::value_error("recording: another one runs on this thread");
             recording.start();
           })
      .def("stop", &Recording::stop)
      .def("refuse", &Recording::refuse, py::arg("reason"));
  py::class_<Trace, std::shared_ptr<Trace>>(module, "Trace");
  // These raise ValueError with the reason why there can be no plan.
  module.def("trace", make_trace, py::arg("recording"), py::arg("inputs"), py::arg("results"));
  module.def("make_plan", make_plan, py::arg("first"), py::arg("second"));
  py::class_<Plan>(module, "Plan")
      .def("calls", describe_calls)
      .def("workspace_bytes", &Plan::workspace_bytes)
      .def("prepared_bytes", &Plan::prepared_bytes)
      .def("state",
           [](const Plan& plan) {
             py::list blocks;
             for (const std::string& block : plan.state()) blocks.append(py::bytes(block));
             return blocks;
           })
      .def(
          "verify",
          [](Plan& plan, const Recording& eager, const py::tuple& inputs, const py::list& before) {
            const auto arguments = arguments_of(plan, inputs.ptr(), "verify");
            const auto state = before.cast<Plan::State>();
            ReleasedGil released;  // as in a replay: others may wait for the plan with it
            return plan.verify(eager, arguments, state);
          },
          py::arg("eager"), py::arg("inputs"), py::arg("before"))
      .def(
          "profile",
          [](Plan& plan, const py::tuple& inputs, int runs) {
            const auto arguments = arguments_of(plan, inputs.ptr(), "profile");
            ReleasedGil released;
            return plan.profile(arguments, runs);
          },
          py::arg("inputs"), py::arg("runs"));
  module.def(
      "keep_eager",
      [](const std::string& reason) {
        if (Recording* recording = current_recording()) recording->refuse(reason);
      },
      py::arg("reason"), "Says why no plan may be made of what this thread records, if it does.");
  module.def("is_recording", [] { return current_recording() != nullptr; });
  if (PyModule_AddFunctions(module.ptr(), functions) < 0) throw py::error_already_set();
}

}  // namespace fastnn
