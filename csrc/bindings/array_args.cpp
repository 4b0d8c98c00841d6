#include "bindings/array_args.h"

#include <cstring>
#include <string_view>

#include "bindings/gil.h"
#include "bindings/recording.h"
#include "core/program.h"

namespace py = pybind11;

namespace fastnn {
namespace {

[[noreturn]] void fail_operand(const Primitive& primitive, const OperandInfo& operand,
                               const std::string& expected, PyObject* got) {
  throw Error(ErrorKind::type, std::string(primitive.name) + ": " + operand.name + " must be " +
                                   expected + ", got " + Py_TYPE(got)->tp_name);
}

constexpr double kMostElements = 1LL << 59;

// (tensor, shape, strides, offset): elements of a Tensor read another way. Checked to stay inside.
Array parse_view(const Primitive& primitive, const OperandInfo& operand, PyObject* view) {
  if (!operand.strided || PyTuple_GET_SIZE(view) != 4 || !is_tensor(PyTuple_GET_ITEM(view, 0)))
    fail_operand(primitive, operand, "a Tensor", view);
  Array array = as_tensor(PyTuple_GET_ITEM(view, 0))->array;
  const int64_t available = array.size();
  const int rank = parse_integers(primitive.name, PyTuple_GET_ITEM(view, 1), array.shape, kMaxRank);
  const int strides =
      parse_integers(primitive.name, PyTuple_GET_ITEM(view, 2), array.strides, kMaxRank);
  const int64_t offset = PyLong_AsLongLong(PyTuple_GET_ITEM(view, 3));
  if (offset == -1 && PyErr_Occurred()) throw py::error_already_set();
  int64_t lowest = offset, highest = offset;
  double size = 1;
  bool empty = false, fits = rank == strides;
  for (int axis = 0; axis < rank && fits; ++axis) {
    const int64_t extent = array.shape[axis];
    int64_t reach = 0;
    if (extent < 0 ||
        __builtin_mul_overflow(extent ? extent - 1 : 0, array.strides[axis], &reach) ||
        __builtin_add_overflow(reach < 0 ? lowest : highest, reach, reach < 0 ? &lowest : &highest))
      fits = false;
    empty = empty || extent == 0;
    size *= static_cast<double>(extent);
  }
  if (!fits || (!empty && (lowest < 0 || highest >= available)))
    throw Error(ErrorKind::value, std::string(primitive.name) + ": the view of " + operand.name +
                                      " reaches outside its tensor");
  if (size > kMostElements)  // strides of 0 repeat as often as one likes
    throw Error(ErrorKind::overflow,
                std::string(primitive.name) + ": the view of " + operand.name + " is too large");
  array.rank = static_cast<uint8_t>(rank);
  if (!empty) array.data += offset * item_size(array.dtype);
  return array;
}

Array parse_operand(const Primitive& primitive, const OperandInfo& operand, PyObject* argument) {
  if (is_tensor(argument)) return as_tensor(argument)->array;
  if (PyTuple_CheckExact(argument)) return parse_view(primitive, operand, argument);
  fail_operand(primitive, operand, operand.optional ? "a Tensor or None" : "a Tensor", argument);
}

void append(Call& call, int total, const Array& array) {
  if (!call.spill && total == Call::kInline) call.spill_over(total);
  if (call.spill)
    call.spill->push_back(array);
  else
    call.inline_arrays[total] = array;
}

int64_t parse_code(const Primitive& primitive, const AttributeInfo& attribute, PyObject* name) {
  const CodeList codes = attribute.codes();
  Py_ssize_t length = 0;
  const char* text = PyUnicode_Check(name) ? PyUnicode_AsUTF8AndSize(name, &length) : nullptr;
  if (text)
    for (int code = 0; code < codes.count; ++code)
      if (codes.names[code] == std::string_view(text, static_cast<size_t>(length))) return code;
  PyErr_Clear();
  std::string known;
  for (int code = 0; code < codes.count; ++code)
    known += (code ? ", " : "") + std::string(codes.names[code]);
  throw Error(ErrorKind::value, std::string(primitive.name) + ": " + attribute.name + " is " +
                                    std::string(py::repr(name)) + ", expected one of " + known);
}

// As much of a text as fits in whole UTF-8 characters; `to` is filled with zeros.
void parse_text(const Primitive& primitive, const AttributeInfo& attribute, PyObject* value,
                char* to) {
  Py_ssize_t length = 0;
  const char* text = PyUnicode_Check(value) ? PyUnicode_AsUTF8AndSize(value, &length) : nullptr;
  if (!text) {
    PyErr_Clear();
    throw Error(ErrorKind::type, std::string(primitive.name) + ": " + attribute.name +
                                     " is no text: " + std::string(py::repr(value)));
  }
  if (length >= kTextBytes)
    for (length = kTextBytes - 1; (text[length] & 0xC0) == 0x80;) --length;
  std::memcpy(to, text, static_cast<size_t>(length));
}

int parse_reals(const char* what, PyObject* sequence, double* values, int limit) {
  const py::object items = py::reinterpret_steal<py::object>(PySequence_Tuple(sequence));
  if (!items) throw py::error_already_set();
  const Py_ssize_t n = PyTuple_GET_SIZE(items.ptr());
  if (n > limit)
    throw Error(ErrorKind::value, std::string(what) + ": " + std::to_string(n) +
                                      " values, expected at most " + std::to_string(limit));
  for (Py_ssize_t i = 0; i < n; ++i) {
    values[i] = PyFloat_AsDouble(PyTuple_GET_ITEM(items.ptr(), i));
    if (PyErr_Occurred()) throw py::error_already_set();
  }
  return static_cast<int>(n);
}

void parse_attribute(const Primitive& primitive, const AttributeInfo& attribute, PyObject* value,
                     unsigned char* bytes) {
  int64_t* integer = reinterpret_cast<int64_t*>(bytes + attribute.offset);
  switch (attribute.kind) {
    case AttributeKind::integer:
      *integer = PyLong_AsLongLong(value);
      break;
    case AttributeKind::real:
      *reinterpret_cast<double*>(integer) = PyFloat_AsDouble(value);
      break;
    case AttributeKind::boolean:
      *integer = PyObject_IsTrue(value);
      break;
    case AttributeKind::code:
      *integer = parse_code(primitive, attribute, value);
      break;
    case AttributeKind::dtype:
      *integer = static_cast<int64_t>(parse_dtype(value));
      break;
    case AttributeKind::text:
      parse_text(primitive, attribute, value, reinterpret_cast<char*>(integer));
      break;
    case AttributeKind::integers:
      integer[0] = parse_integers(attribute.name, value, integer + 1, attribute.most);
      break;
    case AttributeKind::reals:
      integer[0] = parse_reals(attribute.name, value, reinterpret_cast<double*>(integer + 1),
                               attribute.most);
      break;
    case AttributeKind::axes: {
      int64_t axes[kMaxRank];
      const int count = parse_integers(attribute.name, value, axes, kMaxRank);
      *integer = 0;
      for (int i = 0; i < count; ++i) {
        if (axes[i] < 0 || axes[i] >= kMaxRank || (*integer >> axes[i] & 1))
          throw Error(ErrorKind::value, std::string(primitive.name) + ": " + attribute.name +
                                            " must be different non-negative axes, got " +
                                            std::string(py::repr(value)));
        *integer |= int64_t{1} << axes[i];
      }
      break;
    }
  }
  if (PyErr_Occurred()) throw py::error_already_set();
}

// What Python says of a value that an attribute cannot be made of, with the attribute's name.
[[noreturn]] void fail_attribute(const Primitive& primitive, const AttributeInfo& attribute,
                                 const py::error_already_set& error) {
  const bool type = error.matches(PyExc_TypeError);
  if (!type && !error.matches(PyExc_OverflowError)) throw;
  throw Error(type ? ErrorKind::type : ErrorKind::overflow,
              std::string(primitive.name) + ": " + attribute.name + ": " +
                  std::string(py::str(error.value())));
}

void set_default(const AttributeInfo& attribute, unsigned char* bytes) {
  if (attribute.kind == AttributeKind::real)
    *reinterpret_cast<double*>(bytes + attribute.offset) = attribute.default_value;
  else
    *reinterpret_cast<int64_t*>(bytes + attribute.offset) =
        static_cast<int64_t>(attribute.default_value);
}

// Handing the GIL over costs about 50 ns and another thread's time slice.
constexpr double kReleaseGilCost = 100000;

}  // namespace

void parse_call(const Primitive& primitive, PyObject* const* args, Py_ssize_t count, Call& call,
                std::vector<py::object>& keep) {
  call.primitive = &primitive;
  Py_ssize_t next = 0;
  int total = 0;
  for (size_t j = 0; j < primitive.operands.size(); ++j) {
    const OperandInfo& operand = primitive.operands[j];
    call.first[j] = static_cast<uint16_t>(total);
    if (operand.role == Role::out || operand.role == Role::scratch) {
      if (!operand.list && !operand.optional) append(call, total++, Array());
      continue;
    }
    if (next >= count)
      throw Error(ErrorKind::type,
                  std::string(primitive.name) + ": " + operand.name + " is missing");
    PyObject* argument = args[next++];
    if (argument == Py_None) {
      if (!operand.optional) fail_operand(primitive, operand, "a Tensor", argument);
    } else if (operand.list) {
      keep.push_back(py::reinterpret_steal<py::object>(PySequence_Tuple(argument)));
      if (!keep.back()) throw py::error_already_set();
      for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(keep.back().ptr()); ++i)
        append(call, total++,
               parse_operand(primitive, operand, PyTuple_GET_ITEM(keep.back().ptr(), i)));
    } else {
      append(call, total++, parse_operand(primitive, operand, argument));
    }
    if (total > Call::kMostArrays)
      throw Error(ErrorKind::value, std::string(primitive.name) + ": too many arrays in a list");
  }
  call.first[primitive.operands.size()] = static_cast<uint16_t>(total);
  if (count - next > static_cast<Py_ssize_t>(primitive.attributes.size()))
    throw Error(ErrorKind::type, std::string(primitive.name) + ": too many arguments");
  for (const AttributeInfo& attribute : primitive.attributes) {
    if (next >= count) {
      set_default(attribute, call.attributes.bytes);
      continue;
    }
    try {
      parse_attribute(primitive, attribute, args[next++], call.attributes.bytes);
    } catch (const py::error_already_set& error) {
      fail_attribute(primitive, attribute, error);
    }
  }
}

void prepare_call(const Primitive& primitive, std::initializer_list<const Array*> arrays,
                  Call& call) {
  call.primitive = &primitive;
  const Array* const* next = arrays.begin();
  uint16_t total = 0;
  for (size_t j = 0; j < primitive.operands.size(); ++j) {
    const OperandInfo& operand = primitive.operands[j];
    call.first[j] = total;
    if (operand.role == Role::in || operand.role == Role::inout) {
      const Array* array = next == arrays.end() ? nullptr : *next++;
      if (array) call.inline_arrays[total++] = *array;
    } else if (!operand.optional && !operand.list) {
      ++total;
    }
  }
  call.first[primitive.operands.size()] = total;
  for (const AttributeInfo& attribute : primitive.attributes)
    set_default(attribute, call.attributes.bytes);
}

void run_call(Call& call) {
  call.primitive->infer(call);
  if (Recording* recording = current_recording()) note_line(*recording);
  call.device = device_of(call);
  try {
    allocate_outputs(call);
    const int backend = current_backend();
    const bool needs_python =
        call.device != Device::cpu || (backend != kNative && !has_planner(backend));
    if (!needs_python && cost_of(call) > kReleaseGilCost) {
      ReleasedGil released;
      launch(call);
    } else {
      launch(call);
    }
  } catch (...) {
    release_outputs(call);
    throw;
  }
}

py::object result_of(Call& call) {
  run_call(call);
  py::object result = py::reinterpret_steal<py::object>(make_tensor(call.operand(0)));
  if (!result) throw py::error_already_set();
  return result;
}

PyObject* wrap_outputs(Call& call) {
  const auto& operands = call.primitive->operands;
  auto take = [&](int j, int i) {
    Array& array = call.operand(j, i);
    PyObject* tensor = make_tensor(array);
    array.block = nullptr;
    if (!tensor) throw py::error_already_set();
    return tensor;
  };
  int outputs = 0, only = -1;
  for (size_t j = 0; j < operands.size(); ++j)
    if (operands[j].role == Role::out) ++outputs, only = static_cast<int>(j);
  if (outputs == 0) Py_RETURN_NONE;
  if (outputs == 1 && !operands[only].list)
    return call.has(only) ? take(only, 0) : Py_NewRef(Py_None);
  py::tuple tuple(outputs);
  int next = 0;
  for (size_t j = 0; j < operands.size(); ++j) {
    const int operand = static_cast<int>(j);
    if (operands[j].role != Role::out) continue;
    py::object value = py::none();
    if (operands[j].list) {
      py::list list;
      for (int i = 0; i < call.count(operand); ++i)
        list.append(py::reinterpret_steal<py::object>(take(operand, i)));
      value = list;
    } else if (call.has(operand)) {
      value = py::reinterpret_steal<py::object>(take(operand, 0));
    }
    tuple[next++] = value;
  }
  if (outputs == 1) return py::object(tuple[0]).release().ptr();
  return tuple.release().ptr();
}

}  // namespace fastnn
