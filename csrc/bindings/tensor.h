// The Tensor as Python sees it: a small C type, dense, row-major and immutable.
//
// Written by hand and not with pybind11: an eager operation on a small tensor costs little more
// than the operation itself only if its arguments and its result are plain C objects.
#pragma once

#include <pybind11/cast.h>

#include "core/array.h"
#include "core/memory_pool.h"
#include "core/primitive.h"

namespace fastnn {

struct TensorObject {
  PyObject_HEAD Array array;  // owns one reference to its block
  PyObject* node;             // how it was computed; null: a leaf
  PyObject* grad;             // accumulated by backward; null: None
  PyObject* logits;           // the tensor that a softmax or sigmoid was taken of; null: None
  PyObject* rows;             // of what `embedding` made: the table and the ids; null: None
  PyObject* mask;             // which time steps count, handed from layer to layer; null: None
  PyObject* weakrefs;
  int32_t output_index;  // which result of its node it is
  bool requires_grad;
};

extern PyTypeObject* tensor_type;

inline bool is_tensor(PyObject* object) {
  return Py_TYPE(object) == tensor_type || PyType_IsSubtype(Py_TYPE(object), tensor_type);
}
// A subclass (Variable) is written in place; what looks into its memory must copy.
inline bool is_variable(PyObject* object) {
  return Py_TYPE(object) != tensor_type && PyType_IsSubtype(Py_TYPE(object), tensor_type);
}
inline TensorObject* as_tensor(PyObject* object) { return reinterpret_cast<TensorObject*>(object); }
inline PyObject* as_object(TensorObject* tensor) { return reinterpret_cast<PyObject*>(tensor); }

// A new Tensor around an array whose block reference it takes over (released on failure).
PyObject* make_tensor(const Array& array);

// A new Tensor with room for that shape, not initialised. Throws.
TensorObject* new_tensor(DType dtype, int rank, const int64_t* shape, Device device = Device::cpu);

// A Tensor of another shape, from `offset` elements on, over the same block; a copy if `tensor` is
// a Variable. The shape must fit.
PyObject* view_of(TensorObject* tensor, int rank, const int64_t* shape, int64_t offset);

// A Python number as a 0-d Tensor of that dtype. Null without an exception: it does not fit it.
TensorObject* tensor_from_number(PyObject* number, DType dtype);

// Parsing of Python values. Both throw Error.
DType parse_dtype(PyObject* name);
int parse_integers(const char* what, PyObject* sequence, int64_t* values, int limit);

PyObject* shape_object(const Array& array);
pybind11::tuple tuple_of(const int64_t* values, int count);

// The elements of an array that is read through strides, in a Tensor of their own. Throws.
pybind11::object strided_copy(const Array& array);

// The slots of tensor_number.cpp: {slot, function} pairs that the type is made with.
extern const PyType_Slot tensor_number_slots[];
extern const int tensor_number_slot_count;

// x[key] and a @ b, of files of their own.
PyObject* tensor_getitem(PyObject* x, PyObject* key);
PyObject* tensor_matmul(PyObject* a, PyObject* b);

// The methods of tensor_reduce.cpp and of tensor_shape.cpp, which end with an empty one.
extern PyMethodDef tensor_reduce_methods[], tensor_shape_methods[];
PyObject* tensor_transposed(PyObject* self, void*);

// The methods of tensor_numpy.cpp and tensor_dlpack.cpp.
PyObject* tensor_numpy(PyObject* self, PyObject*);
PyObject* tensor_item(PyObject* self, PyObject*);
PyObject* tensor_array(PyObject* self, PyObject* args, PyObject* keywords);
PyObject* tensor_dlpack(PyObject* self, PyObject* args, PyObject* keywords);
PyObject* tensor_dlpack_device(PyObject* self, PyObject*);

// Copies a NumPy array (or what NumPy makes one of) into a new Tensor's memory. Throws.
Array array_from_numpy(PyObject* object);

// An array of the host moved to a device: takes over its block. Throws.
Array placed(const Array& array, Device device);

// What the host may read: the tensor itself, or a copy of one that lies on a device, from where
// errors come that calls have met there. Throws.
pybind11::object on_host(PyObject* tensor);

// Before another library reads a device's memory in a stream (as `__dlpack__` gets it): waits for
// what the device was asked to do. Throws.
void share_memory(const pybind11::object& consumer);
// Before such memory is used again: waits for the other library's reads. Needs no GIL.
void take_memory_back();

// Each adds its part to the module. A handle, as most files of this folder get by with
// pybind11/cast.h: compiling what pybind11/pybind11.h has in it takes three times as long.
void register_tensor(pybind11::handle module);
void register_tensor_numpy(pybind11::handle module);
void register_tensor_number(pybind11::handle module);
void register_tensor_reduce(pybind11::handle module);
void register_tensor_matmul(pybind11::handle module);
void register_dense(pybind11::handle module);
void register_tensor_shape(pybind11::handle module);
void register_node(pybind11::handle module);
void register_backward(pybind11::handle module);
void register_primitives(pybind11::handle module);
void register_backends(pybind11::handle module);
void register_devices(pybind11::handle module);
void register_programs(pybind11::handle module);
void register_plan(pybind11::handle module);
void register_runtime(pybind11::handle module);
void register_probe(pybind11::handle module);
void register_gemm_paths(pybind11::handle module);

}  // namespace fastnn
