// DLPack, version 1.0 and the unversioned form before it: tensors shared without a copy.
// Source: the structures of the DLPack specification,
// https://dmlc.github.io/dlpack/latest/c_api.html

#include <pybind11/pybind11.h>

#include <memory>

#include "bindings/errors.h"
#include "bindings/tensor.h"

namespace py = pybind11;

namespace fastnn {
namespace {

constexpr int32_t kCpu = 1;
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

DType dtype_of(DLDataType type) {
  for (int i = 0; i < kDTypeCount; ++i) {
    const DLDataType known = dlpack_dtype(static_cast<DType>(i));
    if (known.code == type.code && known.bits == type.bits && type.lanes == 1)
      return static_cast<DType>(i);
  }
  throw Error(ErrorKind::type, "from_dlpack: unsupported element type");
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
  managed.tensor = {array.data,
                    {kCpu, 0},
                    array.rank,
                    dlpack_dtype(array.dtype),
                    shared->array.shape,
                    shared->array.strides,
                    0};
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

template <class Managed>
void delete_import(void* managed) {
  auto* imported = static_cast<Managed*>(managed);
  if (imported->deleter) imported->deleter(imported);
}

// A Tensor on the producer's memory, or a copy where its layout is not ours.
template <class Managed>
PyObject* import_capsule(PyObject* capsule, const char* name, const char* used) {
  auto* managed = static_cast<Managed*>(PyCapsule_GetPointer(capsule, name));
  if (!managed) throw py::error_already_set();
  const DLTensor& source = managed->tensor;
  if (source.device.type != kCpu)
    throw Error(ErrorKind::value, "from_dlpack: the array is not in the memory of the CPU");
  if (source.rank > kMaxRank) throw Error(ErrorKind::value, "from_dlpack: more than 8 axes");
  Array array;
  array.dtype = dtype_of(source.dtype);
  array.rank = static_cast<uint8_t>(source.rank);
  array.present = true;
  for (int axis = 0; axis < source.rank; ++axis) array.shape[axis] = source.shape[axis];
  array.set_row_major_strides();
  if (source.strides)
    for (int axis = 0; axis < source.rank; ++axis) array.strides[axis] = source.strides[axis];
  if (!array.contiguous())
    throw Error(ErrorKind::value, "from_dlpack: the array is not row-major without gaps");
  array.set_row_major_strides();
  array.data = static_cast<char*>(source.data) + source.byte_offset;
  array.block =
      wrap_foreign(array.data, static_cast<size_t>(array.bytes()), delete_import<Managed>, managed);
  PyCapsule_SetName(capsule, used);
  return make_tensor(array);
}

PyObject* from_dlpack(PyObject*, PyObject* capsule) {
  return guarded([&]() -> PyObject* {
    if (PyCapsule_IsValid(capsule, "dltensor_versioned"))
      return import_capsule<Versioned>(capsule, "dltensor_versioned", "used_dltensor_versioned");
    if (PyCapsule_IsValid(capsule, "dltensor"))
      return import_capsule<Unversioned>(capsule, "dltensor", "used_dltensor");
    throw Error(ErrorKind::type, "from_dlpack: expected a DLPack capsule");
  });
}

PyMethodDef functions[] = {
    {"from_dlpack", from_dlpack, METH_O, "from_dlpack(capsule) -> Tensor on that memory."},
    {nullptr, nullptr, 0, nullptr}};

}  // namespace

// __dlpack__(*, stream=None, max_version=None, dl_device=None, copy=None). The unversioned form
// cannot say that the memory is read-only, so it hands out a copy.
PyObject* tensor_dlpack(PyObject* self, PyObject* args, PyObject* keywords) {
  return guarded([&]() -> PyObject* {
    PyObject *stream = Py_None, *version = Py_None, *device = Py_None, *copy = Py_None;
    static const char* names[] = {"stream", "max_version", "dl_device", "copy", nullptr};
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "|$OOOO", const_cast<char**>(names), &stream,
                                     &version, &device, &copy))
      return nullptr;
    if (stream != Py_None) throw Error(ErrorKind::value, "__dlpack__: the CPU has no streams");
    const bool versioned =
        version != Py_None && py::cast<int>(py::handle(version)[py::int_(0)]) >= 1;
    const bool copied = !versioned || copy == Py_True || is_variable(self);
    if (copied && copy == Py_False)
      throw Error(ErrorKind::value, "__dlpack__: sharing without a copy is not possible here");
    Array array = as_tensor(self)->array;
    if (copied) {
      array.block = allocate_block(static_cast<size_t>(array.bytes()));
      array.data = array.block->data;
      std::memcpy(array.data, as_tensor(self)->array.data, static_cast<size_t>(array.bytes()));
    } else {
      retain(array.block);
    }
    if (!versioned) return capsule_of(&make_export<Unversioned>(array)->managed, "dltensor");
    auto* shared = make_export<Versioned>(array);
    shared->managed.major = 1;
    shared->managed.minor = 0;
    shared->managed.flags = copied ? kCopied : kReadOnly;
    return capsule_of(&shared->managed, "dltensor_versioned");
  });
}

PyObject* tensor_dlpack_device(PyObject*, PyObject*) { return Py_BuildValue("(ii)", kCpu, 0); }

void register_dlpack(py::module_& module) {
  if (PyModule_AddFunctions(module.ptr(), functions) < 0) throw py::error_already_set();
}

}  // namespace fastnn
