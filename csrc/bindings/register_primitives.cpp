// One Python function a primitive, made from its record; and what the records say, for Python.

#include <memory>

#include "bindings/array_args.h"
#include "bindings/errors.h"
#include "bindings/tensor.h"

namespace py = pybind11;

namespace fastnn {
namespace {

PyObject* call_primitive(PyObject* self, PyObject* const* args, Py_ssize_t count) {
  return guarded([&]() -> PyObject* {
    const auto* primitive = static_cast<const Primitive*>(PyCapsule_GetPointer(self, nullptr));
    std::vector<py::object> keep;
    Call call;
    parse_call(*primitive, args, count, call, keep);
    run_call(call);
    return wrap_outputs(call);
  });
}

const char* role_name(Role role) {
  constexpr const char* names[] = {"in", "out", "inout", "scratch"};
  return names[static_cast<int>(role)];
}

const char* kind_name(AttributeKind kind) {
  constexpr const char* names[] = {"integer",  "real",  "boolean", "code", "axes",
                                   "integers", "dtype", "text",    "reals"};
  return names[static_cast<int>(kind)];
}

py::dict describe(const Primitive& primitive) {
  py::list operands, attributes;
  for (const OperandInfo& operand : primitive.operands)
    operands.append(py::make_tuple(operand.name, role_name(operand.role), operand.optional,
                                   operand.list, operand.strided));
  for (const AttributeInfo& attribute : primitive.attributes) {
    py::object codes = py::none();
    if (attribute.codes) {
      const CodeList list = attribute.codes();
      py::tuple names(list.count);
      for (int i = 0; i < list.count; ++i) names[i] = list.names[i];
      codes = names;
    }
    attributes.append(
        py::make_tuple(attribute.name, kind_name(attribute.kind), attribute.default_value, codes));
  }
  py::dict record;
  record["operands"] = operands;
  record["attributes"] = attributes;
  record["native"] = primitive.native != nullptr;
  return record;
}

#define FASTNN_OP_ROW(name, first, second) table[#name] = py::make_tuple(#first, #second);

PyMethodDef* method_of(const Primitive& primitive) {
  auto function = reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(call_primitive));
  return new PyMethodDef{primitive.name, function, METH_FASTCALL, nullptr};  // lives for ever
}

// empty(shape, dtype, device): memory that a primitive is about to fill.
PyObject* empty(PyObject*, PyObject* const* args, Py_ssize_t count) {
  return guarded([&]() -> PyObject* {
    if (count != 2 && count != 3)
      throw Error(ErrorKind::type, "empty: expected shape, dtype and perhaps a device");
    int64_t shape[kMaxRank];
    const int rank = parse_integers("empty", args[0], shape, kMaxRank);
    double elements = 1;
    for (int axis = 0; axis < rank; ++axis) {
      if (shape[axis] < 0) throw Error(ErrorKind::value, "empty: negative extent in the shape");
      elements *= static_cast<double>(shape[axis]);
    }
    if (elements > 1e18) throw std::bad_alloc();
    const Device device = count == 3 ? parse_device(py::str(args[2])) : current_device();
    return as_object(new_tensor(parse_dtype(args[1]), rank, shape, device));
  });
}

// rows(tensor, start, stop): consecutive rows of the first axis, on the same elements.
PyObject* rows(PyObject*, PyObject* const* args, Py_ssize_t count) {
  return guarded([&]() -> PyObject* {
    if (count != 3 || !is_tensor(args[0]) || as_tensor(args[0])->array.rank == 0)
      throw Error(ErrorKind::type, "rows: expected a Tensor with an axis, start and stop");
    TensorObject* tensor = as_tensor(args[0]);
    const int64_t start = PyLong_AsLongLong(args[1]), stop = PyLong_AsLongLong(args[2]);
    if (PyErr_Occurred()) return nullptr;
    Array array = tensor->array;
    if (start < 0 || stop < start || stop > array.shape[0])
      throw Error(ErrorKind::index, "rows: " + std::to_string(start) + " to " +
                                        std::to_string(stop) + " is outside " +
                                        std::to_string(array.shape[0]) + " rows");
    const int64_t row = array.rank > 1 ? array.strides[0] : 1;
    array.shape[0] = stop - start;
    return view_of(tensor, array.rank, array.shape, start * row);
  });
}

template <class Function>
PyCFunction fastcall(Function function) {
  return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function));
}

PyMethodDef functions[] = {
    {"empty", fastcall(empty), METH_FASTCALL,
     "empty(shape, dtype, device) -> Tensor, not initialised, on the thread's device if none is "
     "given."},
    {"rows", fastcall(rows), METH_FASTCALL, "rows(tensor, start, stop) -> a view."},
    {nullptr, nullptr, 0, nullptr}};

}  // namespace

void register_primitives(py::handle module) {
  py::dict records;
  for (const Primitive* primitive : primitives()) {
    py::capsule self(primitive);
    module.attr(primitive->name) = py::reinterpret_steal<py::object>(
        PyCFunction_NewEx(method_of(*primitive), self.ptr(), module.attr("__name__").ptr()));
    records[primitive->name] = describe(*primitive);
  }
  module.attr("PRIMITIVES") = records;
  if (PyModule_AddFunctions(module.ptr(), functions) < 0) throw py::error_already_set();
  {
    py::dict table;
    FASTNN_UNARY_OPS(FASTNN_OP_ROW)
    module.attr("UNARY") = table;
  }
  {
    py::dict table;
    FASTNN_BINARY_OPS(FASTNN_OP_ROW)
    module.attr("BINARY") = table;
  }
  py::dict operations;
  for (int code = 0; code < binary_codes().count; ++code)
    operations[binary_codes().names[code]] = operation_name(static_cast<BinaryOp>(code));
  module.attr("BINARY_OPERATIONS") = operations;
  {
    py::dict table;
    FASTNN_REDUCE_OPS(FASTNN_OP_ROW)
    module.attr("REDUCE") = table;
  }
}

}  // namespace fastnn
