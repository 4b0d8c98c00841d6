// DLPack, version 1.0 and the unversioned form before it: tensors shared without a copy. Only the
// way out: NumPy, which checks what it is given, reads the tensors of others (fastnn.from_dlpack).
// Source: the structures of the DLPack specification,
// https://dmlc.github.io/dlpack/latest/c_api.html

#include <pybind11/cast.h>

#include <memory>

#include "bindings/errors.h"
#include "bindings/recording.h"
#include "bindings/tensor.h"

namespace py = pybind11;

namespace fastnn {
namespace {

constexpr int32_t kCpu = 1, kCuda = 2;
enum TypeCode : uint8_t { kInt = 0, kUInt = 1, kFloat = 2, kBool = 6 };
constexpr uint64_t kReadOnly = 1, kCopied = 2;

struct DLDevice {
  int32_t type, id;
};
struct DLDataType {
  uint8_t code, bits;
  uint16_t lanes;
};
struct DLTensor {
  void* data;
  DLDevice device;
  int32_t rank;
  DLDataType dtype;
  int64_t* shape;
  int64_t* strides;
  uint64_t byte_offset;
};
struct Unversioned {
  DLTensor tensor;
  void* context;
  void (*deleter)(Unversioned*);
};
struct Versioned {
  uint32_t major, minor;
  void* context;
  void (*deleter)(Versioned*);
  uint64_t flags;
  DLTensor tensor;
};

DLDataType dlpack_dtype(DType dtype) {
  constexpr TypeCode codes[kDTypeCount] = {kFloat, kFloat, kInt, kInt, kUInt, kBool};
  return {codes[static_cast<int>(dtype)], static_cast<uint8_t>(8 * item_size(dtype)), 1};
}

int32_t device_code(const Array& array) {
  return array.block->device == Device::cpu ? kCpu : kCuda;
}

// What a capsule owns: a reference to the block, and the extents that it points to.
template <class Managed>
struct Export {
  Managed managed;
  Array array;
};

template <class Managed>
void delete_export(Managed* managed) {
  auto* shared = static_cast<Export<Managed>*>(managed->context);
  if (device_code(shared->array) != kCpu) take_memory_back();
  release(shared->array.block);
  delete shared;
}

template <class Managed>
Export<Managed>* make_export(const Array& array) {
  auto* shared = new Export<Managed>();
  shared->array = array;
  Managed& managed = shared->managed;
  managed.context = shared;
  managed.deleter = delete_export<Managed>;
  managed.tensor = {
      array.data,          {device_code(array), 0}, array.rank, dlpack_dtype(array.dtype),
      shared->array.shape, shared->array.strides,   0};
  return shared;
}

template <class Managed>
PyObject* capsule_of(Managed* managed, const char* name) {
  // A consumer renames the capsule it takes over; one that nobody took is deleted here.
  PyObject* capsule = PyCapsule_New(managed, name, [](PyObject* self) {
    const char* current = PyCapsule_GetName(self);
    if (current && std::string(current).rfind("used_", 0) == 0) return;
    auto* unused = static_cast<Managed*>(PyCapsule_GetPointer(self, current));
    unused->deleter(unused);
  });
  if (!capsule) managed->deleter(managed);
  return capsule;
}

// DLPack's exception for what cannot be done.
PyObject* refused(const char* message) {
  PyErr_SetString(PyExc_BufferError, message);
  return nullptr;
}

}  // namespace

// __dlpack__(*, stream=None, max_version=None, dl_device=None, copy=None). The unversioned form
// cannot say that the memory is read-only, so it hands out a copy.
PyObject* tensor_dlpack(PyObject* self, PyObject* args, PyObject* keywords) {
  note_host_read("__dlpack__");
  return guarded([&]() -> PyObject* {
    PyObject *stream = Py_None, *version = Py_None, *device = Py_None, *copy = Py_None;
    static const char* names[] = {"stream", "max_version", "dl_device", "copy", nullptr};
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "|$OOOO", const_cast<char**>(names), &stream,
                                     &version, &device, &copy))
      return nullptr;
    py::object source = py::reinterpret_borrow<py::object>(self);
    int32_t place = device_code(as_tensor(self)->array);
    if (place == kCpu && stream != Py_None)
      throw Error(ErrorKind::value, "__dlpack__: the CPU has no streams");
    if (device != Py_None) {
      int64_t wanted[2] = {};
      const int parts = parse_integers("__dlpack__: dl_device", device, wanted, 2);
      if (parts != 2 || (wanted[0] != kCpu && wanted[0] != place) || wanted[1] != 0)
        return refused("__dlpack__: dl_device is neither the CPU nor where the tensor is");
      if (wanted[0] != place) {
        if (copy == Py_False)
          return refused("__dlpack__: the CPU cannot share a device's memory without a copy");
        source = on_host(self);
        place = kCpu;
      }
    }
    const bool versioned =
        version != Py_None && py::cast<int>(py::handle(version)[py::int_(0)]) >= 1;
    const bool copied = !versioned || copy == Py_True || is_variable(source.ptr());
    if (copied && copy == Py_False)
      return refused("__dlpack__: sharing without a copy is not possible here");
    if (copied) source = strided_copy(as_tensor(source.ptr())->array);
    if (place != kCpu) share_memory(py::reinterpret_borrow<py::object>(stream));
    const Array array = as_tensor(source.ptr())->array;
    retain(array.block);
    if (!versioned) return capsule_of(&make_export<Unversioned>(array)->managed, "dltensor");
    auto* shared = make_export<Versioned>(array);
    shared->managed.major = 1;
    shared->managed.minor = 0;
    shared->managed.flags = source.is(py::handle(self)) ? kReadOnly : kCopied;
    return capsule_of(&shared->managed, "dltensor_versioned");
  });
}

PyObject* tensor_dlpack_device(PyObject* self, PyObject*) {
  return Py_BuildValue("(ii)", device_code(as_tensor(self)->array), 0);
}

}  // namespace fastnn
