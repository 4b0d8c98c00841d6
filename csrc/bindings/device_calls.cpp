// The device that Python reaches: its memory, its calls, and tensors that move to it and back.

#include <pybind11/pybind11.h>

#include <memory>

#include "bindings/array_args.h"
#include "bindings/errors.h"
#include "bindings/python_values.h"
#include "bindings/recording.h"
#include "bindings/tensor.h"
#include "core/device.h"

namespace py = pybind11;

namespace fastnn {
namespace {

py::object& loader() {
  static auto* function = new py::object();  // outlives the interpreter
  return *function;
}

// What reaches the device: see `register_device`.
struct Functions {
  py::object allocate, release, launch, read, write, share, taken_back, graph;
};

const Functions& functions() {
  static const Functions* loaded = nullptr;  // outlives the interpreter
  if (!loaded) {
    if (!loader()) throw Error(ErrorKind::runtime, "device: none is registered");
    const py::object calls = loader()();
    loaded = new Functions{calls.attr("allocate"),   calls.attr("release"), calls.attr("launch"),
                           calls.attr("read"),       calls.attr("write"),   calls.attr("share"),
                           calls.attr("taken_back"), calls.attr("Graph")};
  }
  return *loaded;
}

// Where Python knows that memory from: its block's first byte.
uintptr_t address_of(const Array& array) { return reinterpret_cast<uintptr_t>(array.block->data); }

int64_t offset_of(const Array& array) { return array.data - array.block->data; }

// For what ends an owner: nobody is there to be told of an error.
template <class Call>
void quietly(const char* what, Call call) {
  if (!Py_IsInitialized()) return;  // at the end of the process
  const py::gil_scoped_acquire gil;
  const py::error_scope pending;  // an exception may be on its way
  try {
    call();
  } catch (py::error_already_set& error) {
    error.discard_as_unraisable(what);
  }
}

void give_back(void* address) {
  quietly("the release of a device's memory", [&] {
    call_python(functions().release, py::make_tuple(reinterpret_cast<uintptr_t>(address)));
  });
}

Block* allocate(size_t bytes) {
  const py::gil_scoped_acquire gil;
  const auto address = call_python(functions().allocate, py::make_tuple(bytes)).cast<uintptr_t>();
  Block* block = borrow_block(reinterpret_cast<char*>(address), bytes,
                              reinterpret_cast<void*>(address), give_back);
  block->device = Device::cuda;
  return block;
}

py::object strides_object(const Array& array) {
  if (array.contiguous()) return py::none();
  return tuple_of(array.strides, array.rank);
}

// (address, offset in bytes, shape, strides in elements or None, dtype); of a number that lies on
// the host its bytes in place of the address.
py::tuple operand_value(const Array& array) {
  const bool here = array.block->device == Device::cpu;
  py::object place = here ? py::object(py::bytes(array.data, item_size(array.dtype)))
                          : py::object(py::int_(address_of(array)));
  return py::make_tuple(place, here ? 0 : offset_of(array),
                        py::reinterpret_steal<py::object>(shape_object(array)),
                        strides_object(array), dtype_name(array.dtype));
}

void run(const Call& call) {
  const py::gil_scoped_acquire gil;
  py::list operands;
  for (size_t j = 0; j < call.primitive->operands.size(); ++j) {
    const OperandInfo& info = call.primitive->operands[j];
    const int operand = static_cast<int>(j);
    if (info.role == Role::scratch) continue;
    py::list arrays;
    for (int i = 0; i < call.count(operand); ++i)
      arrays.append(operand_value(call.operand(operand, i)));
    if (info.list)
      operands.append(arrays);
    else
      operands.append(arrays.empty() ? py::object(py::none()) : py::object(arrays[0]));
  }
  call_python(functions().launch,
              py::make_tuple(call.primitive->name, operands, attribute_values(call)));
}

void read(const Array& from, char* to) {
  const py::gil_scoped_acquire gil;
  if (from.bytes())
    call_python(functions().read, py::make_tuple(address_of(from), offset_of(from),
                                                 py::memoryview::from_memory(to, from.bytes())));
}

void write(const char* from, const Array& array) {
  const py::gil_scoped_acquire gil;
  if (array.bytes())
    call_python(functions().write,
                py::make_tuple(address_of(array), offset_of(array),
                               py::memoryview::from_memory(from, array.bytes())));
}

// ---- graphs: see fastnn/backends/jit_cuda/graphs.py ----

void* capture(const std::function<void()>& calls) {
  const py::gil_scoped_acquire gil;
  try {
    py::object graph = call_python(functions().graph, py::tuple());
    try {
      calls();
    } catch (...) {
      quietly("the end of a capture", [&] { call_python(graph.attr("cancel"), py::tuple()); });
      throw;
    }
    call_python(graph.attr("end"), py::tuple());
    return graph.release().ptr();
  } catch (py::error_already_set& error) {
    if (!error.matches(PyExc_Exception)) throw;
  } catch (const Error&) {
  }
  return nullptr;
}

// ((address, offset) to, (address, offset) from, bytes) each.
py::list copies_object(const std::vector<DeviceCopy>& copies) {
  py::list list;
  for (const DeviceCopy& copy : copies)
    list.append(py::make_tuple(
        py::make_tuple(reinterpret_cast<uintptr_t>(copy.to->data), 0),
        py::make_tuple(reinterpret_cast<uintptr_t>(copy.from->data), copy.offset), copy.bytes));
  return list;
}

void run_graph(void* graph, const std::vector<DeviceCopy>& before,
               const std::vector<DeviceCopy>& after) {
  const py::gil_scoped_acquire gil;
  call_python(py::handle(static_cast<PyObject*>(graph)).attr("launch"),
              py::make_tuple(copies_object(before), copies_object(after)));
}

void drop_graph(void* graph) {
  quietly("the end of a graph", [&] { py::handle(static_cast<PyObject*>(graph)).dec_ref(); });
}

// ---- tensors that move ----

// A contiguous array of its own on a device, whose elements are not set.
Array new_array(const Array& like, Device device) {
  Array array = like;
  array.block = allocate_on(device, static_cast<size_t>(like.bytes()));
  array.data = array.block->data;
  return array;
}

// The elements of an array that lies anywhere, copied to another device.
Array copied(const Array& from, Device device) {
  const Array to = new_array(from, device);
  try {
    if (device == Device::cpu)
      device_driver().read(from, to.data);
    else
      device_driver().write(from.data, to);
  } catch (...) {
    release(to.block);
    throw;
  }
  return to;
}

TensorObject* tensor_argument(const char* function, PyObject* const* args, Py_ssize_t count) {
  if (count != 2 || !is_tensor(args[0]))
    throw Error(ErrorKind::type, std::string(function) + ": expected a Tensor and a device");
  return as_tensor(args[0]);
}

// to_device(tensor, device): the tensor, if it lies there, or a copy.
PyObject* to_device(PyObject*, PyObject* const* args, Py_ssize_t count) {
  return guarded([&]() -> PyObject* {
    const TensorObject* tensor = tensor_argument("to_device", args, count);
    const Device device = parse_device(py::str(args[1]));
    if (tensor->array.block->device == device) return Py_NewRef(args[0]);
    note_host_read("to");
    return make_tensor(copied(tensor->array, device));
  });
}

// move(variable, device): its memory from now on.
PyObject* move(PyObject*, PyObject* const* args, Py_ssize_t count) {
  return guarded([&]() -> PyObject* {
    TensorObject* tensor = tensor_argument("move", args, count);
    const Device device = parse_device(py::str(args[1]));
    Block* before = tensor->array.block;
    if (before->device == device) Py_RETURN_NONE;
    note_host_read("move");
    const Array moved = copied(tensor->array, device);
    moved.block->version = before->version + 1;
    tensor->array = moved;
    release(before);
    Py_RETURN_NONE;
  });
}

PyObject* get_device(PyObject*, PyObject*) {
  return PyUnicode_InternFromString(device_name(current_device()));
}

PyObject* get_devices_in_use(PyObject*, PyObject*) { return PyBool_FromLong(devices_in_use); }

template <class Function>
PyCFunction fastcall(Function function) {
  return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function));
}

PyMethodDef methods[] = {
    {"to_device", fastcall(to_device), METH_FASTCALL,
     "to_device(tensor, device) -> the tensor, or a copy of it on another device."},
    {"move", fastcall(move), METH_FASTCALL,
     "move(variable, device): gives it memory there; it stays the same object."},
    {"get_device", get_device, METH_NOARGS, "Where this thread makes new tensors."},
    {"devices_in_use", get_devices_in_use, METH_NOARGS,
     "Whether anything has lain on another device than the CPU, or is about to."},
    {nullptr, nullptr, 0, nullptr}};

}  // namespace

Array placed(const Array& array, Device device) {
  if (device == Device::cpu) return array;
  const std::unique_ptr<Block, void (*)(Block*)> host(array.block, release);
  return copied(array, device);
}

py::object on_host(PyObject* tensor) {
  const Array& array = as_tensor(tensor)->array;
  if (array.block->device == Device::cpu) return py::reinterpret_borrow<py::object>(tensor);
  py::object host = py::reinterpret_steal<py::object>(make_tensor(copied(array, Device::cpu)));
  if (!host) throw py::error_already_set();
  return host;
}

void share_memory(const py::object& consumer) {
  call_python(functions().share, py::make_tuple(consumer));
}

void take_memory_back() {
  quietly("the return of shared memory", [] { call_python(functions().taken_back, py::tuple()); });
}

void register_devices(py::handle scope) {
  auto module = py::reinterpret_borrow<py::module_>(scope);
  set_device_driver({allocate, run, read, write, capture, run_graph, drop_graph});
  module.def(
      "register_device", [](py::object load) { loader() = std::move(load); }, py::arg("load"),
      "Registers what reaches CUDA: called when that is first used, it returns an object with\n"
      "allocate(bytes) -> address, release(address), launch(primitive, operands, attributes),\n"
      "read(address, offset, memory), write(address, offset, memory), share(consumer's stream),\n"
      "taken_back() and a class Graph: see fastnn/backends/jit_cuda.");
  module.def(
      "set_device", [](const std::string& name) { set_thread_device(parse_device(name)); },
      py::arg("name"), "Where this thread makes new tensors.");
  module.def(
      "set_default_device", [](const std::string& name) { set_default_device(parse_device(name)); },
      py::arg("name"), "Where threads make tensors at first.");
  if (PyModule_AddFunctions(module.ptr(), methods) < 0) throw py::error_already_set();
}

}  // namespace fastnn
