// Between NumPy arrays and Tensors.

#include <pybind11/numpy.h>

#include <cstring>
#include <new>

#include "bindings/errors.h"
#include "bindings/recording.h"
#include "bindings/tensor.h"
#include "core/kernel_table.h"
#include "core/memory_pool.h"

namespace py = pybind11;

namespace fastnn {
namespace {

py::dtype numpy_dtype(DType dtype) {
  switch (dtype) {
    case DType::float32:
      return py::dtype::of<float>();
    case DType::float64:
      return py::dtype::of<double>();
    case DType::int32:
      return py::dtype::of<int32_t>();
    case DType::int64:
      return py::dtype::of<int64_t>();
    case DType::uint8:
      return py::dtype::of<uint8_t>();
    case DType::boolean:
      break;
  }
  return py::dtype::of<bool>();
}

DType dtype_of(const py::array& array) {
  const char kind = array.dtype().kind();
  const auto size = array.itemsize();
  if (kind == 'f' && size == 4) return DType::float32;
  if (kind == 'f' && size == 8) return DType::float64;
  if (kind == 'i' && size == 4) return DType::int32;
  if (kind == 'i' && size == 8) return DType::int64;
  if (kind == 'u' && size == 1) return DType::uint8;
  if (kind == 'b') return DType::boolean;
  throw Error(
      ErrorKind::type,
      "tensor: a NumPy array of dtype " + std::string(py::str(array.dtype())) +
          " cannot become a Tensor, expected float32, float64, int32, int64, uint8 or bool");
}

// The array as an operand that lies nowhere yet, row-major.
Array described(const py::array& source) {
  if (source.ndim() > kMaxRank)
    throw Error(ErrorKind::value, "tensor: an array of " + std::to_string(source.ndim()) +
                                      " axes, expected at most " + std::to_string(kMaxRank));
  Array array;
  array.dtype = dtype_of(source);
  array.rank = static_cast<uint8_t>(source.ndim());
  for (int axis = 0; axis < array.rank; ++axis) array.shape[axis] = source.shape(axis);
  array.set_row_major_strides();
  array.present = true;
  return array;
}

py::array numpy_view(const Array& array, py::handle owner) {
  std::vector<py::ssize_t> shape(array.shape, array.shape + array.rank), strides;
  for (int axis = 0; axis < array.rank; ++axis)
    strides.push_back(array.strides[axis] * item_size(array.dtype));
  return py::array(numpy_dtype(array.dtype), shape, strides, array.data, owner);
}

py::array read_only_view(PyObject* self) {
  note_host_read("numpy");
  const py::object host = on_host(self);
  py::array view = numpy_view(as_tensor(host.ptr())->array, host);
  if (is_variable(host.ptr())) return py::array(view.attr("copy")());
  view.attr("flags").attr("writeable") = false;
  return view;
}

// The device that is named, else the thread's.
Device device_argument(const char* function, PyObject* const* args, Py_ssize_t count) {
  if (count < 1 || count > 2)
    throw Error(ErrorKind::type, std::string(function) + ": expected an array and a device");
  return count == 2 ? parse_device(py::str(args[1])) : current_device();
}

// from_numpy(array, device)
PyObject* from_numpy(PyObject*, PyObject* const* args, Py_ssize_t count) {
  return guarded([&] {
    const Device device = device_argument("from_numpy", args, count);
    return make_tensor(placed(array_from_numpy(args[0]), device));
  });
}

// The only element.
PyObject* number_of(const Array& array) {
  switch (array.dtype) {
    case DType::float32:
      return PyFloat_FromDouble(*array.as<float>());
    case DType::float64:
      return PyFloat_FromDouble(*array.as<double>());
    case DType::int32:
      return PyLong_FromLong(*array.as<int32_t>());
    case DType::int64:
      return PyLong_FromLongLong(*array.as<int64_t>());
    case DType::uint8:
      return PyLong_FromLong(*array.as<uint8_t>());
    case DType::boolean:
      break;
  }
  return PyBool_FromLong(*array.as<uint8_t>());
}

// What a Tensor may lie in as it is. Booleans may hold other bytes than 0 and 1.
bool can_be_shared(const py::array& source) {
  constexpr int kNeeded = py::array::c_style | py::detail::npy_api::NPY_ARRAY_ALIGNED_;
  return (source.flags() & kNeeded) == kNeeded && source.dtype().kind() != 'b' &&
         source.dtype().attr("isnative").cast<bool>();
}

void drop_array(void* owner) {
  if (!Py_IsInitialized()) return;  // at the end of the process
  const PyGILState_STATE state = PyGILState_Ensure();
  Py_DECREF(static_cast<PyObject*>(owner));
  PyGILState_Release(state);
}

// share_numpy(array): a Tensor on the array's own elements where possible, else on a copy, which it
// is on a device. The array must not be written as long as the Tensor is used.
PyObject* share_numpy(PyObject*, PyObject* object) {
  return guarded([&]() -> PyObject* {
    if (!py::isinstance<py::array>(object))
      throw Error(ErrorKind::type, "share_numpy: expected a NumPy array");
    const auto source = py::reinterpret_borrow<py::array>(object);
    if (!can_be_shared(source) || current_device() != Device::cpu)
      return make_tensor(placed(array_from_numpy(object), current_device()));
    Array array = described(source);
    array.block = borrow_block(static_cast<char*>(const_cast<void*>(source.data())),
                               static_cast<size_t>(array.bytes()), Py_NewRef(object), drop_array);
    array.data = array.block->data;
    return make_tensor(array);
  });
}

PyMethodDef functions[] = {
    {"share_numpy", share_numpy, METH_O,
     "share_numpy(array) -> Tensor on the array's own elements where possible."},
    {"from_numpy", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(from_numpy)),
     METH_FASTCALL,
     "from_numpy(array, device) -> Tensor with a copy of the elements, on the thread's device if "
     "none is given."},
    {nullptr, nullptr, 0, nullptr}};

}  // namespace

PyObject* tensor_numpy(PyObject* self, PyObject*) {
  return guarded([&] { return read_only_view(self).release().ptr(); });
}

PyObject* tensor_array(PyObject* self, PyObject* args, PyObject* keywords) {
  return guarded([&]() -> PyObject* {
    PyObject *dtype = Py_None, *copy = Py_None;
    static const char* names[] = {"dtype", "copy", nullptr};
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "|OO", const_cast<char**>(names), &dtype,
                                     &copy))
      return nullptr;
    const bool here = as_tensor(self)->array.block->device == Device::cpu;
    py::object view = read_only_view(self);
    const bool cast =
        dtype != Py_None &&
        !py::dtype::from_args(py::reinterpret_borrow<py::object>(dtype)).is(view.attr("dtype"));
    if (copy == Py_False && (cast || is_variable(self) || !here))
      throw Error(ErrorKind::value, "__array__: a view without a copy is not possible here");
    if (cast) return view.attr("astype")(py::handle(dtype)).release().ptr();
    if (copy == Py_True) return view.attr("copy")().release().ptr();
    return view.release().ptr();
  });
}

Array array_from_numpy(PyObject* object) {
  py::array source = py::array::ensure(py::handle(object));
  if (!source)
    throw Error(ErrorKind::type,
                "tensor: " + std::string(Py_TYPE(object)->tp_name) + " cannot become an array");
  Array array = described(source);
  // The bytes of booleans are 0 and 1 here; NumPy's may be others.
  const bool is_boolean = array.dtype == DType::boolean;
  if (is_boolean) source = py::array::ensure(source, py::array::c_style);
  if (!source) throw std::bad_alloc();
  array.block = allocate_block(static_cast<size_t>(array.bytes()));
  array.data = array.block->data;
  if (is_boolean) {
    const auto truth = static_cast<int>(DType::boolean);
    kernels().movement.cast[truth][truth](array.size(), source.data(), array.data, 1);
  } else if (source.dtype().attr("isnative").cast<bool>() &&
             (source.flags() & py::array::c_style)) {
    std::memcpy(array.data, source.data(), static_cast<size_t>(array.bytes()));
  } else {
    try {
      numpy_view(array, py::none())[py::ellipsis()] = source;
    } catch (...) {
      release(array.block);
      throw;
    }
  }
  return array;
}

PyObject* tensor_item(PyObject* self, PyObject*) {
  note_host_read("item");
  const Array& array = as_tensor(self)->array;
  if (array.size() != 1) {
    PyErr_Format(PyExc_ValueError, "item: expected a tensor of one element, got %S",
                 py::reinterpret_steal<py::object>(shape_object(array)).ptr());
    return nullptr;
  }
  return guarded([&] {
    const py::object host = on_host(self);
    return number_of(as_tensor(host.ptr())->array);
  });
}

void register_tensor_numpy(py::handle module) {
  if (PyModule_AddFunctions(module.ptr(), functions) < 0) throw py::error_already_set();
}

}  // namespace fastnn
