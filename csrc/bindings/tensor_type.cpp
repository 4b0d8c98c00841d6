// The Tensor type itself: making, freeing, attributes, methods.

#include <pybind11/cast.h>
// After Python.h, which it does not include itself.
#include <structmember.h>

#include <vector>

#include "bindings/errors.h"
#include "bindings/hooks.h"
#include "bindings/node.h"
#include "bindings/tensor.h"

namespace py = pybind11;

namespace fastnn {

PyTypeObject* tensor_type = nullptr;

namespace {

// Freed Tensors (never Variables) wait here for the next one.
constexpr int kFreeListLimit = 64;
TensorObject* free_list[kFreeListLimit];
int free_count = 0;

PyObject* dtype_names[kDTypeCount];

TensorObject* allocate_tensor() {
  TensorObject* tensor;
  if (free_count > 0) {
    tensor = free_list[--free_count];
    PyObject_Init(as_object(tensor), tensor_type);
  } else {
    tensor = PyObject_GC_New(TensorObject, tensor_type);
    if (!tensor) return nullptr;
  }
  tensor->node = tensor->grad = tensor->logits = tensor->rows = tensor->mask = tensor->weakrefs =
      nullptr;
  tensor->output_index = 0;
  tensor->requires_grad = false;
  return tensor;
}

int tensor_traverse(PyObject* self, visitproc visit, void* arg) {
  TensorObject* tensor = as_tensor(self);
  Py_VISIT(tensor->node);
  Py_VISIT(tensor->grad);
  Py_VISIT(tensor->logits);
  Py_VISIT(tensor->rows);
  Py_VISIT(tensor->mask);
  Py_VISIT(Py_TYPE(self));
  return 0;
}

int tensor_clear(PyObject* self) {
  TensorObject* tensor = as_tensor(self);
  Py_CLEAR(tensor->node);
  Py_CLEAR(tensor->grad);
  Py_CLEAR(tensor->logits);
  Py_CLEAR(tensor->rows);
  Py_CLEAR(tensor->mask);
  return 0;
}

void tensor_dealloc(PyObject* self) {
  TensorObject* tensor = as_tensor(self);
  PyTypeObject* type = Py_TYPE(self);
  PyObject_GC_UnTrack(self);
  Py_TRASHCAN_BEGIN(self, tensor_dealloc) if (tensor->weakrefs) PyObject_ClearWeakRefs(self);
  tensor_clear(self);
  if (tensor->array.block) release(tensor->array.block);
  tensor->array.block = nullptr;
  if (type == tensor_type && free_count < kFreeListLimit)
    free_list[free_count++] = tensor;
  else
    type->tp_free(self);
  Py_DECREF(type);
  Py_TRASHCAN_END
}

std::string first_key(PyObject* dict) {
  PyObject* key = nullptr;
  Py_ssize_t position = 0;
  PyDict_Next(dict, &position, &key, nullptr);
  return py::str(key);
}

// Tensor(data): a copy. Subclasses get their memory here.
PyObject* tensor_new(PyTypeObject* type, PyObject* args, PyObject* keywords) {
  return guarded([&]() -> PyObject* {
    const Py_ssize_t given = PyTuple_GET_SIZE(args);
    PyObject* data = given > 0 ? PyTuple_GET_ITEM(args, 0) : nullptr;
    if (!data)
      throw Error(ErrorKind::type, "Tensor: data is missing, expected an array or a Tensor");
    // What else there is belongs to the __init__ of a subclass.
    if (type->tp_init == PyBaseObject_Type.tp_init) {
      if (given > 1)
        throw Error(ErrorKind::type, "Tensor: got " + std::to_string(given) +
                                         " arguments, expected data alone (see fastnn.tensor)");
      if (keywords && PyDict_GET_SIZE(keywords) > 0)
        throw Error(ErrorKind::type, "Tensor: unexpected argument " + first_key(keywords) +
                                         ", expected data alone (see fastnn.tensor)");
    }
    Array array;
    if (is_tensor(data)) {
      py::object copy = strided_copy(as_tensor(data)->array);
      array = as_tensor(copy.ptr())->array;
      retain(array.block);
    } else {
      array = placed(array_from_numpy(data), current_device());
    }
    if (type == tensor_type) return make_tensor(array);
    PyObject* self = type->tp_alloc(type, 0);  // zero-filled and tracked
    if (!self) {
      release(array.block);
      return nullptr;
    }
    as_tensor(self)->array = array;
    return self;
  });
}

// ---- attributes ---------------------------------------------------------------------------------

PyObject* get_shape(PyObject* self, void*) { return shape_object(as_tensor(self)->array); }

PyObject* get_dtype(PyObject* self, void*) {
  return Py_NewRef(dtype_names[static_cast<int>(as_tensor(self)->array.dtype)]);
}
PyObject* get_ndim(PyObject* self, void*) { return PyLong_FromLong(as_tensor(self)->array.rank); }
PyObject* get_size(PyObject* self, void*) {
  return PyLong_FromLongLong(as_tensor(self)->array.size());
}
PyObject* get_nbytes(PyObject* self, void*) {
  return PyLong_FromLongLong(as_tensor(self)->array.bytes());
}
PyObject* get_device(PyObject* self, void*) {
  return PyUnicode_InternFromString(device_name(as_tensor(self)->array.block->device));
}
PyObject* get_version(PyObject* self, void*) {
  return PyLong_FromUnsignedLongLong(as_tensor(self)->array.block->version);
}
PyObject* get_output_index(PyObject* self, void*) {
  return PyLong_FromLong(as_tensor(self)->output_index);
}

PyObject** slot_at(PyObject* self, void* offset) {
  return reinterpret_cast<PyObject**>(reinterpret_cast<char*>(self) +
                                      reinterpret_cast<intptr_t>(offset));
}

PyObject* get_object(PyObject* self, void* offset) {
  PyObject* value = *slot_at(self, offset);
  return Py_NewRef(value ? value : Py_None);
}

void put_object(PyObject* self, PyObject** slot, PyObject* value) {
  if (value == Py_None) value = nullptr;
  Py_XINCREF(value);
  Py_XSETREF(*slot, value);
  if (value && !PyObject_GC_IsTracked(self)) PyObject_GC_Track(self);
}

int set_grad(PyObject* self, PyObject* value, void*) {
  TensorObject* tensor = as_tensor(self);
  if (value && value != Py_None) {
    const bool fits = is_tensor(value) && same_shape(as_tensor(value)->array, tensor->array) &&
                      as_tensor(value)->array.dtype == tensor->array.dtype;
    if (!fits) {
      PyErr_Format(PyExc_ValueError, "grad: expected None or a Tensor of shape %S and dtype %U",
                   py::reinterpret_steal<py::object>(shape_object(tensor->array)).ptr(),
                   dtype_names[static_cast<int>(tensor->array.dtype)]);
      return -1;
    }
  }
  put_object(self, &tensor->grad, value ? value : Py_None);
  return 0;
}

int set_object(PyObject* self, PyObject* value, void* offset) {
  put_object(self, slot_at(self, offset), value ? value : Py_None);
  return 0;
}

PyObject* get_requires_grad(PyObject* self, void*) {
  return PyBool_FromLong(as_tensor(self)->requires_grad);
}

int set_requires_grad(PyObject* self, PyObject* value, void*) {
  TensorObject* tensor = as_tensor(self);
  const int wanted = value ? PyObject_IsTrue(value) : 0;
  if (wanted < 0) return -1;
  if (tensor->node) {
    PyErr_SetString(PyExc_RuntimeError,
                    "requires_grad: may be set on leaves only; this tensor was computed by an "
                    "operation (use detach())");
    return -1;
  }
  if (wanted && !is_float(tensor->array.dtype)) {
    PyErr_Format(PyExc_TypeError, "requires_grad: expected a floating-point tensor, got dtype %U",
                 dtype_names[static_cast<int>(tensor->array.dtype)]);
    return -1;
  }
  tensor->requires_grad = wanted;
  return 0;
}

#define OFFSET(member) reinterpret_cast<void*>(offsetof(TensorObject, member))
PyGetSetDef tensor_getset[] = {
    {"shape", get_shape, nullptr, "Extents, a tuple of integers.", nullptr},
    {"dtype", get_dtype, nullptr, "Name of the element type, such as 'float32'.", nullptr},
    {"ndim", get_ndim, nullptr, "Number of axes.", nullptr},
    {"size", get_size, nullptr, "Number of elements.", nullptr},
    {"nbytes", get_nbytes, nullptr, "Bytes that the elements take.", nullptr},
    {"device", get_device, nullptr, "Where the elements are: 'cpu' or 'cuda'.", nullptr},
    {"requires_grad", get_requires_grad, set_requires_grad,
     "Whether operations on this tensor are noted for back-propagation.", nullptr},
    {"grad", get_object, set_grad, "Gradient accumulated by backward, or None.", OFFSET(grad)},
    {"_node", get_object, nullptr, "The operation that made it, or None.", OFFSET(node)},
    {"_output_index", get_output_index, nullptr, "Which result of its node it is.", nullptr},
    {"_logits", get_object, set_object, "Logits behind a softmax or sigmoid.", OFFSET(logits)},
    {"_rows", get_object, set_object, "Table and ids behind an embedding.", OFFSET(rows)},
    {"_mask", get_object, set_object, "Time steps that count, or None.", OFFSET(mask)},
    {"_version", get_version, nullptr, "Number of in-place writes so far.", nullptr},
    {"T", tensor_transposed, nullptr, "The axes in the opposite order.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr}};

// ---- methods ------------------------------------------------------------------------------------

PyObject* tensor_detach(PyObject* self, PyObject*) {
  return guarded([&] {
    const Array& array = as_tensor(self)->array;
    return view_of(as_tensor(self), array.rank, array.shape, 0);
  });
}

PyObject* tensor_repr(PyObject* self) {
  if (hooks.repr) return PyObject_CallOneArg(hooks.repr, self);
  py::object shape = py::reinterpret_steal<py::object>(shape_object(as_tensor(self)->array));
  return PyUnicode_FromFormat("Tensor(shape=%S)", shape.ptr());
}

PyMethodDef tensor_methods[] = {
    {"numpy", tensor_numpy, METH_NOARGS,
     "A read-only NumPy view of the elements (of a Variable, or from a device: a copy)."},
    {"item", tensor_item, METH_NOARGS, "The only element as a Python number."},
    {"detach", tensor_detach, METH_NOARGS, "The same values, cut off from back-propagation."},
    {"__array__", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(tensor_array)),
     METH_VARARGS | METH_KEYWORDS, "NumPy's array protocol: a read-only view where possible."},
    {"__dlpack__", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(tensor_dlpack)),
     METH_VARARGS | METH_KEYWORDS, "DLPack capsule of the elements."},
    {"__dlpack_device__", tensor_dlpack_device, METH_NOARGS,
     "DLPack device: the CPU, or CUDA's first."},
    {nullptr, nullptr, 0, nullptr}};

// All methods in C; the type refers to them for ever.
PyMethodDef* all_methods() {
  static std::vector<PyMethodDef> methods;
  for (const PyMethodDef* list : {tensor_reduce_methods, tensor_shape_methods, tensor_methods})
    while (list->ml_name) methods.push_back(*list++);
  methods.push_back({nullptr, nullptr, 0, nullptr});
  return methods.data();
}

PyMemberDef tensor_members[] = {
    {"__weaklistoffset__", T_PYSSIZET, offsetof(TensorObject, weakrefs), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr}};

}  // namespace

PyObject* make_tensor(const Array& array) {
  TensorObject* tensor = allocate_tensor();
  if (!tensor) {
    release(array.block);
    return nullptr;
  }
  tensor->array = array;
  return as_object(tensor);  // tracked by the collector once it refers to something
}

TensorObject* new_tensor(DType dtype, int rank, const int64_t* shape, Device device) {
  Array array;
  array.dtype = dtype;
  array.rank = static_cast<uint8_t>(rank);
  for (int axis = 0; axis < rank; ++axis) array.shape[axis] = shape[axis];
  array.set_row_major_strides();
  array.present = true;
  array.block = allocate_on(device, static_cast<size_t>(array.bytes()));
  array.data = array.block->data;
  PyObject* tensor = make_tensor(array);
  if (!tensor) throw py::error_already_set();
  return as_tensor(tensor);
}

PyObject* view_of(TensorObject* tensor, int rank, const int64_t* shape, int64_t offset) {
  Array array = tensor->array;
  array.rank = static_cast<uint8_t>(rank);
  for (int axis = 0; axis < rank; ++axis) array.shape[axis] = shape[axis];
  array.set_row_major_strides();
  array.data += offset * item_size(array.dtype);
  if (!is_variable(as_object(tensor))) {
    retain(array.block);
    return make_tensor(array);
  }
  py::object copy = strided_copy(tensor->array);
  return view_of(as_tensor(copy.ptr()), rank, shape, offset);
}

PyObject* shape_object(const Array& array) {
  PyObject* shape = PyTuple_New(array.rank);
  if (!shape) return nullptr;
  for (int axis = 0; axis < array.rank; ++axis)
    PyTuple_SET_ITEM(shape, axis, PyLong_FromLongLong(array.shape[axis]));
  return shape;
}

py::tuple tuple_of(const int64_t* values, int count) {
  py::tuple tuple(count);
  for (int i = 0; i < count; ++i) tuple[i] = values[i];
  return tuple;
}

DType parse_dtype(PyObject* name) {
  for (int i = 0; i < kDTypeCount; ++i)
    if (name == dtype_names[i]) return static_cast<DType>(i);
  if (PyUnicode_Check(name))
    for (int i = 0; i < kDTypeCount; ++i)
      if (PyUnicode_Compare(name, dtype_names[i]) == 0) return static_cast<DType>(i);
  throw Error(ErrorKind::type, "dtype: " + std::string(py::repr(name)) +
                                   " is not one of float32, float64, int32, int64, uint8, bool");
}

int parse_integers(const char* what, PyObject* sequence, int64_t* values, int limit) {
  // A tuple of our own: what __index__ of an item runs cannot change it.
  py::object items = py::reinterpret_steal<py::object>(PySequence_Tuple(sequence));
  if (!items) throw py::error_already_set();
  const Py_ssize_t n = PyTuple_GET_SIZE(items.ptr());
  if (n > limit)
    throw Error(ErrorKind::value, std::string(what) + ": " + std::to_string(n) +
                                      " values, expected at most " + std::to_string(limit));
  for (Py_ssize_t i = 0; i < n; ++i) {
    values[i] = PyLong_AsLongLong(PyTuple_GET_ITEM(items.ptr(), i));
    if (values[i] == -1 && PyErr_Occurred()) throw py::error_already_set();
  }
  return static_cast<int>(n);
}

void register_tensor(py::handle module) {
  for (int i = 0; i < kDTypeCount; ++i)
    dtype_names[i] = PyUnicode_InternFromString(dtype_name(static_cast<DType>(i)));
  std::vector<PyType_Slot> slots = {
      {Py_tp_doc, const_cast<char*>("A dense, row-major, immutable array of numbers.")},
      {Py_tp_new, reinterpret_cast<void*>(tensor_new)},
      {Py_tp_dealloc, reinterpret_cast<void*>(tensor_dealloc)},
      {Py_tp_traverse, reinterpret_cast<void*>(tensor_traverse)},
      {Py_tp_clear, reinterpret_cast<void*>(tensor_clear)},
      {Py_tp_repr, reinterpret_cast<void*>(tensor_repr)},
      {Py_tp_hash, reinterpret_cast<void*>(PyBaseObject_Type.tp_hash)},
      {Py_tp_getset, tensor_getset},
      {Py_tp_methods, all_methods()},
      {Py_tp_members, tensor_members}};
  slots.insert(slots.end(), tensor_number_slots, tensor_number_slots + tensor_number_slot_count);
  slots.push_back({0, nullptr});
  PyType_Spec spec = {"fastnn.Tensor", sizeof(TensorObject), 0,
                      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, slots.data()};
  tensor_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
  if (!tensor_type) throw py::error_already_set();
  module.attr("Tensor") = py::handle(reinterpret_cast<PyObject*>(tensor_type));
}

}  // namespace fastnn
