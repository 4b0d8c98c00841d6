// Operators. The fast path (operands of one dtype, or a Tensor and a Python number) stays in C;
// everything else, promotion first of all, is one call of a Python hook.

#include <iterator>

#include "bindings/array_args.h"
#include "bindings/errors.h"
#include "bindings/hooks.h"
#include "bindings/node.h"
#include "bindings/tensor.h"

namespace py = pybind11;

namespace fastnn {
namespace {

const Primitive& binary_primitive() {
  static const Primitive* primitive = find_primitive("binary");
  return *primitive;
}

const char* op_name(BinaryOp op) { return binary_codes().names[static_cast<int>(op)]; }

constexpr bool needs_float(BinaryOp op) { return op == BinaryOp::div; }
constexpr bool is_comparison(BinaryOp op) {
  return op == BinaryOp::equal || op == BinaryOp::not_equal || op == BinaryOp::less ||
         op == BinaryOp::less_equal;
}

PyObject* call_hook(PyObject* hook, const char* op, PyObject* a, PyObject* b) {
  if (!hook) Py_RETURN_NOTIMPLEMENTED;
  return b ? PyObject_CallFunction(hook, "sOO", op, a, b)
           : PyObject_CallFunction(hook, "sO", op, a);
}

// Both operands have one dtype.
PyObject* binary_fast(BinaryOp op, PyObject* a, PyObject* b) {
  Call call;
  prepare_call(binary_primitive(), {&as_tensor(a)->array, &as_tensor(b)->array}, call);
  set_attribute(call, 0, static_cast<int64_t>(op));
  py::object result = result_of(call);
  if (is_comparison(op) || !grad_enabled() || !(requires_grad(a) || requires_grad(b)))
    return result.release().ptr();
  PyObject* rule = hooks.rules[static_cast<int>(op)];
  if (!rule) throw Error(ErrorKind::runtime, std::string(op_name(op)) + " has no gradient rule");
  const bool linear = op == BinaryOp::add || op == BinaryOp::sub;
  py::object saved = linear ? py::object(py::none()) : py::make_tuple(py::handle(a), py::handle(b));
  PyObject* parents[] = {a, b};
  return record(result.ptr(), rule, saved.ptr(), parents, 2) ? result.release().ptr() : nullptr;
}

PyObject* binary(BinaryOp op, PyObject* a, PyObject* b) {
  return guarded([&]() -> PyObject* {
    const bool left = is_tensor(a), right = is_tensor(b);
    if (left && right) {
      const Array &x = as_tensor(a)->array, &y = as_tensor(b)->array;
      if (x.dtype == y.dtype && (!needs_float(op) || is_float(x.dtype)) &&
          x.dtype != DType::boolean)
        return binary_fast(op, a, b);
    } else if (left || right) {
      PyObject* number = left ? b : a;
      const DType dtype = as_tensor(left ? a : b)->array.dtype;
      if (PyLong_Check(number) || PyFloat_Check(number)) {
        py::object scalar = py::reinterpret_steal<py::object>(
            needs_float(op) && !is_float(dtype) ? nullptr
                                                : as_object(tensor_from_number(number, dtype)));
        if (scalar) return binary_fast(op, left ? a : scalar.ptr(), left ? scalar.ptr() : b);
      }
    }
    return call_hook(hooks.binary, op_name(op), a, b);
  });
}

template <BinaryOp op>
PyObject* slot(PyObject* a, PyObject* b) {
  return binary(op, a, b);
}

PyObject* power(PyObject* a, PyObject* b, PyObject* modulus) {
  if (modulus != Py_None) Py_RETURN_NOTIMPLEMENTED;
  // A square is one product, correctly rounded; a power takes a logarithm and an exponential.
  const bool two = PyLong_CheckExact(b)    ? PyLong_AsLong(b) == 2
                   : PyFloat_CheckExact(b) ? PyFloat_AS_DOUBLE(b) == 2
                                           : false;
  PyErr_Clear();  // of a number beyond a long
  if (two && is_tensor(a) && is_float(as_tensor(a)->array.dtype))
    return call_hook(hooks.unary, "square", a, nullptr);
  return binary(BinaryOp::pow, a, b);
}

// Logical operators on booleans and bitwise ones on integers: Python decides which.
template <BinaryOp op>
PyObject* hooked(PyObject* a, PyObject* b) {
  return call_hook(hooks.binary, op_name(op), a, b);
}

PyObject* negative(PyObject* x) { return call_hook(hooks.unary, "neg", x, nullptr); }
PyObject* absolute(PyObject* x) { return call_hook(hooks.unary, "abs", x, nullptr); }
PyObject* invert(PyObject* x) { return call_hook(hooks.unary, "logical_not", x, nullptr); }
PyObject* positive(PyObject* x) { return Py_NewRef(x); }

PyObject* richcompare(PyObject* a, PyObject* b, int comparison) {
  switch (comparison) {
    case Py_EQ:
      return binary(BinaryOp::equal, a, b);
    case Py_NE:
      return binary(BinaryOp::not_equal, a, b);
    case Py_LT:
      return binary(BinaryOp::less, a, b);
    case Py_LE:
      return binary(BinaryOp::less_equal, a, b);
    case Py_GT:
      return binary(BinaryOp::less, b, a);
    default:
      return binary(BinaryOp::less_equal, b, a);
  }
}

int truth(PyObject* x) {
  const Array& array = as_tensor(x)->array;
  if (array.size() != 1) {
    PyErr_SetString(PyExc_ValueError,
                    "bool: the truth value of a tensor of several elements is ambiguous");
    return -1;
  }
  py::object item = py::reinterpret_steal<py::object>(tensor_item(x, nullptr));
  return item ? PyObject_IsTrue(item.ptr()) : -1;
}

PyObject* to_float(PyObject* x) {
  py::object item = py::reinterpret_steal<py::object>(tensor_item(x, nullptr));
  return item ? PyNumber_Float(item.ptr()) : nullptr;
}

PyObject* to_int(PyObject* x) {
  py::object item = py::reinterpret_steal<py::object>(tensor_item(x, nullptr));
  return item ? PyNumber_Long(item.ptr()) : nullptr;
}

PyObject* to_index(PyObject* x) {
  const Array& array = as_tensor(x)->array;
  if (is_float(array.dtype) || array.dtype == DType::boolean || array.size() != 1) {
    PyErr_SetString(PyExc_TypeError, "index: only an integer tensor of one element is an index");
    return nullptr;
  }
  return tensor_item(x, nullptr);
}

Py_ssize_t length(PyObject* x) {
  const Array& array = as_tensor(x)->array;
  if (array.rank == 0) {
    PyErr_SetString(PyExc_TypeError, "len: a tensor without axes has no length");
    return -1;
  }
  return array.shape[0];
}

#define FASTNN_SLOT(name, function) {Py_##name, reinterpret_cast<void*>(function)}

PyObject* from_number(PyObject*, PyObject* const* args, Py_ssize_t count) {
  return guarded([&]() -> PyObject* {
    if (count != 2 || !(PyFloat_Check(args[0]) || PyLong_Check(args[0])))
      throw Error(ErrorKind::type, "from_number: expected a number of Python and a dtype");
    TensorObject* tensor = tensor_from_number(args[0], parse_dtype(args[1]));
    return tensor ? as_object(tensor) : Py_NewRef(Py_None);
  });
}

}  // namespace

TensorObject* tensor_from_number(PyObject* number, DType dtype) {
  if (PyBool_Check(number) || dtype == DType::boolean) return nullptr;
  if (!is_float(dtype) && !PyLong_Check(number)) return nullptr;
  double real = 0;
  int64_t integer = 0;
  if (is_float(dtype)) {
    real = PyFloat_AsDouble(number);
  } else {
    integer = PyLong_AsLongLong(number);
  }
  if (PyErr_Occurred()) {  // an integer beyond the type: Python words the error
    PyErr_Clear();
    return nullptr;
  }
  if ((dtype == DType::int32 && integer != static_cast<int32_t>(integer)) ||
      (dtype == DType::uint8 && integer != static_cast<uint8_t>(integer)))
    return nullptr;
  TensorObject* tensor = new_tensor(dtype, 0, nullptr);
  switch (dtype) {
    case DType::float32:
      *tensor->array.as<float>() = static_cast<float>(real);
      break;
    case DType::float64:
      *tensor->array.as<double>() = real;
      break;
    case DType::int32:
      *tensor->array.as<int32_t>() = static_cast<int32_t>(integer);
      break;
    case DType::int64:
      *tensor->array.as<int64_t>() = integer;
      break;
    default:
      *tensor->array.as<uint8_t>() = static_cast<uint8_t>(integer);
      break;
  }
  return tensor;
}

const PyType_Slot tensor_number_slots[] = {
    FASTNN_SLOT(nb_add, slot<BinaryOp::add>),
    FASTNN_SLOT(nb_subtract, slot<BinaryOp::sub>),
    FASTNN_SLOT(nb_multiply, slot<BinaryOp::mul>),
    FASTNN_SLOT(nb_true_divide, slot<BinaryOp::div>),
    FASTNN_SLOT(nb_floor_divide, slot<BinaryOp::floordiv>),
    FASTNN_SLOT(nb_remainder, slot<BinaryOp::mod>),
    FASTNN_SLOT(nb_power, power),
    FASTNN_SLOT(nb_and, hooked<BinaryOp::logical_and>),
    FASTNN_SLOT(nb_or, hooked<BinaryOp::logical_or>),
    FASTNN_SLOT(nb_xor, hooked<BinaryOp::logical_xor>),
    FASTNN_SLOT(nb_lshift, hooked<BinaryOp::left_shift>),
    FASTNN_SLOT(nb_rshift, hooked<BinaryOp::right_shift>),
    FASTNN_SLOT(nb_matrix_multiply, tensor_matmul),
    FASTNN_SLOT(nb_negative, negative),
    FASTNN_SLOT(nb_positive, positive),
    FASTNN_SLOT(nb_absolute, absolute),
    FASTNN_SLOT(nb_invert, invert),
    FASTNN_SLOT(nb_bool, truth),
    FASTNN_SLOT(nb_int, to_int),
    FASTNN_SLOT(nb_float, to_float),
    FASTNN_SLOT(nb_index, to_index),
    FASTNN_SLOT(mp_length, length),
    FASTNN_SLOT(mp_subscript, tensor_getitem),
    FASTNN_SLOT(tp_richcompare, richcompare),
};
const int tensor_number_slot_count = static_cast<int>(std::size(tensor_number_slots));

void register_tensor_number(py::handle module) {
  static PyMethodDef functions[] = {
      {"from_number", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(from_number)),
       METH_FASTCALL, "from_number(number, dtype) -> a 0-d Tensor, or None if it does not fit."},
      {nullptr, nullptr, 0, nullptr}};
  if (PyModule_AddFunctions(module.ptr(), functions) < 0) throw py::error_already_set();
}

}  // namespace fastnn
